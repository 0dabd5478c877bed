"""What messages to people say around the alerts themselves, in every language of `core.words`."""

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.records import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeWords:
    """One language. Names in braces are filled in by `core.notices`."""

    unanswered: str
    """Begins the title of what nobody has answered."""
    unacknowledged: str
    untold: str
    many: str
    """The title of several alerts."""
    head: str
    """The first line of their list."""
    more: str
    listed: str
    """Leads to all of them."""
    severity: str
    severities: Mapping[str, str]
    why: str
    page: str
    cap: str
    picture: str
    number: str
    limited: str
    silenced: str
    replayed: str


def _severities(minor: str, moderate: str, severe: str, extreme: str) -> dict[str, str]:
    return dict(zip((one.value for one in Severity), (minor, moderate, severe, extreme), strict=True))


_EN = NoticeWords(
    unanswered="NOT ACKNOWLEDGED",
    unacknowledged="Nobody has acknowledged it since {since}.",
    untold="No channel could be told of it, and nobody has acknowledged it, since {since}.",
    many="{count} places ({regions}), worst: {headline}",
    head="{count} places{storms}, worst first:",
    more="and {count} more: scarpwatch alerts",
    listed="All of them, and what was not observed: {address}",
    severity="Severity: {level} ({reason}).",
    severities=_severities("minor", "moderate", "severe", "extreme"),
    why="Why now: {reason}.",
    page="Read and answer: {address}",
    cap="CAP message: {address}",
    picture="Picture: {address}",
    number="Alert {event}, revision {revision}",
    limited="Held back until now: the limit of this channel was reached.",
    silenced="Held back until now by a silence.",
    replayed="Sent again on demand.",
)
_DE = NoticeWords(
    unanswered="NICHT QUITTIERT",
    unacknowledged="Niemand hat die Meldung quittiert seit {since}.",
    untold="Kein Kanal hat die Meldung angenommen, und niemand hat sie quittiert, seit {since}.",
    many="{count} Stellen ({regions}), die schwerste: {headline}",
    head="{count} Stellen{storms}, die schwerste zuerst:",
    more="und {count} weitere: scarpwatch alerts",
    listed="Alle, und was nicht beobachtet wurde: {address}",
    severity="Schwere: {level} (englisch: {reason}).",
    severities=_severities("gering", "mäßig", "schwer", "extrem"),
    why="Anlass (englisch): {reason}.",
    page="Lesen und beantworten: {address}",
    cap="CAP-Nachricht: {address}",
    picture="Bild: {address}",
    number="Meldung {event}, Fassung {revision}",
    limited="Bis jetzt zurückgehalten: Die Grenze dieses Kanals war erreicht.",
    silenced="Bis jetzt zurückgehalten durch eine Stummschaltung.",
    replayed="Auf Wunsch erneut gesendet.",
)
_FR = NoticeWords(
    unanswered="SANS ACCUSÉ DE RÉCEPTION",
    unacknowledged="Personne n’en a accusé réception depuis le {since}.",
    untold="Aucun canal ne l’a reçu et personne n’en a accusé réception depuis le {since}.",
    many="{count} lieux ({regions}), le plus grave : {headline}",
    head="{count} lieux{storms}, le plus grave d’abord :",
    more="et {count} de plus : scarpwatch alerts",
    listed="Tous, et ce qui n’a pas été observé : {address}",
    severity="Gravité : {level} (en anglais : {reason}).",
    severities=_severities("mineure", "modérée", "grave", "extrême"),
    why="Motif (en anglais) : {reason}.",
    page="Lire et répondre : {address}",
    cap="Message CAP : {address}",
    picture="Image : {address}",
    number="Alerte {event}, révision {revision}",
    limited="Retenu jusqu’à présent : la limite de ce canal était atteinte.",
    silenced="Retenu jusqu’à présent par un silence.",
    replayed="Renvoyé à la demande.",
)
_ES = NoticeWords(
    unanswered="SIN ACUSE DE RECIBO",
    unacknowledged="Nadie ha acusado recibo desde {since}.",
    untold="Ningún canal lo ha recibido y nadie ha acusado recibo desde {since}.",
    many="{count} lugares ({regions}), el más grave: {headline}",
    head="{count} lugares{storms}, el más grave primero:",
    more="y {count} más: scarpwatch alerts",
    listed="Todos, y lo que no se observó: {address}",
    severity="Gravedad: {level} (en inglés: {reason}).",
    severities=_severities("menor", "moderada", "grave", "extrema"),
    why="Motivo (en inglés): {reason}.",
    page="Leer y responder: {address}",
    cap="Mensaje CAP: {address}",
    picture="Imagen: {address}",
    number="Alerta {event}, revisión {revision}",
    limited="Retenido hasta ahora: se alcanzó el límite de este canal.",
    silenced="Retenido hasta ahora por un silencio.",
    replayed="Enviado de nuevo a petición.",
)
_IT = NoticeWords(
    unanswered="SENZA CONFERMA DI LETTURA",
    unacknowledged="Nessuno ne ha confermato la lettura dal {since}.",
    untold="Nessun canale l’ha ricevuto e nessuno ne ha confermato la lettura dal {since}.",
    many="{count} luoghi ({regions}), il più grave: {headline}",
    head="{count} luoghi{storms}, il più grave per primo:",
    more="e altri {count}: scarpwatch alerts",
    listed="Tutti, e ciò che non è stato osservato: {address}",
    severity="Gravità: {level} (in inglese: {reason}).",
    severities=_severities("lieve", "moderata", "grave", "estrema"),
    why="Motivo (in inglese): {reason}.",
    page="Leggere e rispondere: {address}",
    cap="Messaggio CAP: {address}",
    picture="Immagine: {address}",
    number="Allerta {event}, revisione {revision}",
    limited="Trattenuto finora: era stato raggiunto il limite di questo canale.",
    silenced="Trattenuto finora da un silenzio.",
    replayed="Inviato di nuovo su richiesta.",
)
_JA = NoticeWords(
    unanswered="未確認",
    unacknowledged="{since} 以降、誰も確認していません。",
    untold="{since} 以降、どの通知先にも届かず、誰も確認していません。",
    many="{count} か所（{regions}）、最も重大：{headline}",
    head="{count} か所{storms}、重大な順：",
    more="ほか {count} か所：scarpwatch alerts",
    listed="すべての箇所と、観測されなかった範囲：{address}",
    severity="深刻度：{level}（英語：{reason}）。",
    severities=_severities("軽微", "中程度", "重大", "極めて重大"),
    why="今回の理由（英語）：{reason}。",
    page="閲覧と回答：{address}",
    cap="CAP 電文：{address}",
    picture="画像：{address}",
    number="警報 {event}、第 {revision} 版",
    limited="この通知先の上限に達したため、今まで保留されていました。",
    silenced="通知停止により、今まで保留されていました。",
    replayed="要求により再送しました。",
)
NOTICES: Mapping[str, NoticeWords] = {"en": _EN, "de": _DE, "fr": _FR, "es": _ES, "it": _IT, "ja": _JA}
"""By language tag (BCP 47)."""
