"""What alerts say, in every language that is shipped, in one table.

English is the reference: the places to fill in are the same in every language (a test compares them). Free text that
looks and people left, such as doubts, stays in the language in which it was written.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.records import Sensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One language. Names in braces are filled in by `core.telling`."""

    possible: str
    """What may have happened, of an alert of tier watch."""
    landslide: str
    """The same of tier warning."""
    headline: str
    region: str
    states: Mapping[str, str]
    """By how an alert stands (`core.standing`)."""
    sensors: Mapping[str, str]
    levels: Mapping[str, str]
    """Of confidence."""
    what: str
    tile: str
    """What happened where a whole tile's mean rose: there is no outline."""
    tile_what: str
    around: str
    alike: str
    took_in: str
    """Other alerts are part of it."""
    window: str
    confidence: str
    rate: str
    rate_simulated: str
    rate_unknown: str
    looks: Mapping[str, str]
    """By verdict: what those looks say."""
    share: str
    people: Mapping[str, str]
    """By what they did."""
    unchecked: str
    instructions: Mapping[str, str]
    """While the alert is open, when it ends, and when it is taken back."""
    status: Mapping[str, str]
    """Of an alert that is none: exercise, test."""
    restriction: str
    picture: str
    evidence: str


def _states(*words: str) -> dict[str, str]:
    """In the order of the reasons and states that people hear."""
    seen = ("provisional", "seen-again", "confirmed", "confirmed-from-field", "confirmed-by-both", "grown", "took-in")
    names = (*seen, "refuted", "dismissed", "merged", "rolled-back", "closed", "expired")
    return dict(zip(names, words, strict=True))


def _looks(supports: str, contradicts: str, undecided: str, unseen: str) -> dict[str, str]:
    return {"supports": supports, "contradicts": contradicts, "inconclusive": undecided, "not-observed": unseen}


def _sensors(optical: str, radar: str) -> dict[str, str]:
    return {Sensor.OPTICAL.value: optical, Sensor.SAR.value: radar}


def _levels(low: str, medium: str, high: str) -> dict[str, str]:
    return {"low": low, "medium": medium, "high": high}


def _instructions(open_: str, ended: str, cancelled: str) -> dict[str, str]:
    return {"open": open_, "ended": ended, "cancelled": cancelled}


def _people(confirm: str, dismiss: str, release: str) -> dict[str, str]:
    return {"confirm": confirm, "dismiss": dismiss, "release": release}


def _status(exercise: str, test: str) -> dict[str, str]:
    return {"exercise": exercise, "test": test}


EN = Words(
    possible="Possible landslide",
    landslide="Landslide",
    headline="{event}, {area} ha, {place}: {state}",
    region="region {region}",
    states=_states(
        "seen by one look",
        "seen by two looks",
        "confirmed by a later look",
        "confirmed by a person",
        "confirmed by a later look and by a person",
        "larger than was told before",
        "joined by another alert",
        "withdrawn, the ground is as it was before",
        "withdrawn by a person ({reason})",
        "joined with another alert",
        "withdrawn, the evidence was faulty",
        "no further messages",
        "no further messages, not seen again",
    ),
    sensors=_sensors("optical", "radar"),
    levels=_levels("low", "medium", "high"),
    what="{area} ha of ground changed on slopes of up to {slope}° at {lat}, {lon} ({place}).",
    tile="Hazard probability rose in a tile",
    tile_what="Hazard probability rose in a tile of {area} ha at {lat}, {lon} ({place}); no outline.",
    around="Surroundings: {around}.",
    alike="All slopes from {height} m up changed alike: melting snow, or slopes that failed.",
    took_in="It includes the ground of what were other alerts: {alerts}.",
    window="It happened between {start} (last look without the change) and {end} (first look with it).",
    confidence="Confidence: {level}. This is no probability. Doubts: {doubts}.",
    rate="Quiet ground shows a change at least so strong {rate} times per 1,000 km² and year.",
    rate_simulated="That was counted on simulated ground.",
    rate_unknown="How often quiet ground shows such a change is not known here.",
    looks=_looks(
        "Evidence for: {looks}.",
        "Evidence against: {looks}.",
        "Saw the ground and cannot tell: {looks}.",
        "Did not see the ground (cloud, shadow, snow, outside): {looks}.",
    ),
    share="The newest look that saw it saw {percent} % of its ground.",
    people=_people(
        "Confirmed from the field on {at}.", "Dismissed by a person on {at}.", "Released by a person on {at}."
    ),
    unchecked="Found by software in satellite images. Nobody has checked it on the ground.",
    instructions=_instructions(
        "Compare the pictures and other sources before you act. The slope, and what lies below it, may move again. "
        "Where there is no alert, something may have happened unseen.",
        "No further messages about this ground follow. This is no all-clear: satellites cannot tell that a slope is "
        "safe.",
        "Disregard the earlier messages of this alert.",
    ),
    status=_status(
        "EXERCISE, nothing of this happened", "TEST, found in simulated images or by a model trained on them"
    ),
    restriction="Not released by a person: for the responsible authority only.",
    picture="The ground before and after",
    evidence="The evidence as a STAC item",
)

DE = Words(
    possible="Mögliche Hangrutschung",
    landslide="Hangrutschung",
    headline="{event}, {area} ha, {place}: {state}",
    region="Gebiet {region}",
    states=_states(
        "bei einem Überflug gesehen",
        "bei zwei Überflügen gesehen",
        "durch einen späteren Überflug bestätigt",
        "von einem Menschen bestätigt",
        "durch einen späteren Überflug und von einem Menschen bestätigt",
        "größer als zuvor gemeldet",
        "um den Boden einer anderen Meldung erweitert",
        "zurückgezogen, der Boden ist wie zuvor",
        "von einem Menschen zurückgezogen ({reason})",
        "mit einer anderen Meldung vereint",
        "zurückgezogen, der Nachweis war fehlerhaft",
        "keine weiteren Meldungen",
        "keine weiteren Meldungen, nicht wieder gesehen",
    ),
    sensors=_sensors("optisch", "Radar"),
    levels=_levels("gering", "mittel", "hoch"),
    what="{area} ha Boden haben sich an bis zu {slope}° steilen Hängen bei {lat}, {lon} ({place}) verändert.",
    tile="Gefahrenwahrscheinlichkeit einer Kachel gestiegen",
    tile_what="Gefahrenwahrscheinlichkeit stieg in einer Kachel von {area} ha bei {lat}, {lon} ({place}); kein Umriss.",
    around="Umgebung (englisch): {around}.",
    alike="Alle Hänge ab {height} m haben sich gleich verändert: Schneeschmelze oder Hangrutschungen.",
    took_in="Dazu gehört der Boden anderer, früherer Meldungen: {alerts}.",
    window="Es geschah zwischen {start} (letzte Aufnahme ohne die Veränderung) und {end} (erste mit ihr).",
    confidence="Vertrauen: {level}. Dies ist keine Wahrscheinlichkeit. Zweifel (englisch): {doubts}.",
    rate="Ruhiger Boden zeigt eine mindestens so starke Veränderung {rate}-mal je 1.000 km² und Jahr.",
    rate_simulated="Das wurde auf simuliertem Boden gezählt.",
    rate_unknown="Wie oft ruhiger Boden eine solche Veränderung zeigt, ist hier nicht bekannt.",
    looks=_looks(
        "Dafür sprechen: {looks}.",
        "Dagegen sprechen: {looks}.",
        "Sahen den Boden und lassen es offen: {looks}.",
        "Sahen den Boden nicht (Wolken, Schatten, Schnee, außerhalb): {looks}.",
    ),
    share="Die neueste Aufnahme, die etwas davon zeigt, zeigt {percent} % der Fläche.",
    people=_people(
        "Vor Ort bestätigt am {at}.", "Von einem Menschen verworfen am {at}.", "Von einem Menschen freigegeben am {at}."
    ),
    unchecked="Von Software in Satellitenbildern gefunden. Niemand hat es vor Ort geprüft.",
    instructions=_instructions(
        "Vergleichen Sie die Bilder und andere Quellen, bevor Sie handeln. Der Hang und was darunter liegt können sich "
        "erneut bewegen. Wo keine Meldung ist, kann etwas ungesehen geschehen sein.",
        "Zu dieser Fläche folgen keine Meldungen mehr. Dies ist keine Entwarnung: Satelliten können nicht erkennen, "
        "dass ein Hang sicher ist.",
        "Die früheren Meldungen zu diesem Alarm sind gegenstandslos.",
    ),
    status=_status(
        "ÜBUNG, nichts davon ist geschehen", "TEST, in simulierten Bildern oder mit daran gelerntem Modell gefunden"
    ),
    restriction="Nicht von einem Menschen freigegeben: nur für die zuständige Behörde.",
    picture="Der Boden vorher und nachher",
    evidence="Die Belege als STAC-Item",
)

FR = Words(
    possible="Glissement de terrain possible",
    landslide="Glissement de terrain",
    headline="{event}, {area} ha, {place} : {state}",
    region="région {region}",
    states=_states(
        "vu par un passage",
        "vu par deux passages",
        "confirmé par un passage ultérieur",
        "confirmé par une personne",
        "confirmé par un passage ultérieur et par une personne",
        "plus étendu qu’annoncé",
        "étendu au terrain d’une autre alerte",
        "retiré, le sol est comme avant",
        "retiré par une personne ({reason})",
        "réuni à une autre alerte",
        "retiré, les indices étaient erronés",
        "plus d’autres messages",
        "plus d’autres messages, non revu",
    ),
    sensors=_sensors("optique", "radar"),
    levels=_levels("faible", "moyenne", "élevée"),
    what="{area} ha de sol ont changé sur des pentes atteignant {slope}° à {lat}, {lon} ({place}).",
    tile="Hausse de la probabilité de danger d’une tuile",
    tile_what="La probabilité de danger a monté dans une tuile de {area} ha à {lat}, {lon} ({place}) ; sans contour.",
    around="Alentours (en anglais) : {around}.",
    alike="Toutes les pentes à partir de {height} m ont changé de même : fonte de neige ou glissements.",
    took_in="Comprend le terrain d’autres alertes antérieures : {alerts}.",
    window="Cela s’est produit entre le {start} (dernière image sans le changement) et le {end} (première avec lui).",
    confidence="Confiance : {level}. Ce n’est pas une probabilité. Doutes (en anglais) : {doubts}.",
    rate="Un sol calme montre un changement au moins aussi fort {rate} fois par 1 000 km² et par an.",
    rate_simulated="Ce nombre a été compté sur un sol simulé.",
    rate_unknown="La fréquence d’un tel changement sur un sol calme n’est pas connue ici.",
    looks=_looks(
        "Éléments pour : {looks}.",
        "Éléments contre : {looks}.",
        "Ont vu le sol sans pouvoir trancher : {looks}.",
        "N’ont pas vu le sol (nuages, ombre, neige, hors champ) : {looks}.",
    ),
    share="La dernière image qui en montre une partie montre {percent} % de la surface.",
    people=_people(
        "Confirmé sur le terrain le {at}.", "Rejeté par une personne le {at}.", "Diffusé par une personne le {at}."
    ),
    unchecked="Trouvé par un logiciel dans des images satellite. Personne ne l’a vérifié sur place.",
    instructions=_instructions(
        "Comparez les images et d’autres sources avant d’agir. La pente, et ce qui se trouve en dessous, peuvent "
        "bouger de nouveau. L’absence d’alerte ailleurs ne prouve pas qu’il ne s’y est rien passé.",
        "Aucun autre message ne suivra sur ce lieu. Ce n’est pas une fin d’alerte : les satellites ne peuvent pas dire "
        "qu’une pente est sûre.",
        "Ne tenez plus compte des messages précédents de cette alerte.",
    ),
    status=_status(
        "EXERCICE, rien de ceci n’a eu lieu", "TEST, trouvé dans des images simulées ou par un modèle appris sur elles"
    ),
    restriction="Non diffusé par une personne : réservé à l’autorité responsable.",
    picture="Le sol avant et après",
    evidence="Les éléments de preuve (STAC)",
)

ES = Words(
    possible="Posible deslizamiento de tierra",
    landslide="Deslizamiento de tierra",
    headline="{event}, {area} ha, {place}: {state}",
    region="región {region}",
    states=_states(
        "visto en una pasada",
        "visto en dos pasadas",
        "confirmado por una pasada posterior",
        "confirmado por una persona",
        "confirmado por una pasada posterior y por una persona",
        "más extenso que lo anunciado",
        "ampliado con el terreno de otra alerta",
        "retirado, el suelo está como antes",
        "retirado por una persona ({reason})",
        "unido a otra alerta",
        "retirado, la evidencia era errónea",
        "sin más mensajes",
        "sin más mensajes, no se ha vuelto a ver",
    ),
    sensors=_sensors("óptico", "radar"),
    levels=_levels("baja", "media", "alta"),
    what="{area} ha de suelo cambiaron en laderas de hasta {slope}° en {lat}, {lon} ({place}).",
    tile="Aumento de la probabilidad de peligro en una tesela",
    tile_what="La probabilidad de peligro aumentó en una tesela de {area} ha en {lat}, {lon} ({place}); sin contorno.",
    around="Alrededores (en inglés): {around}.",
    alike="Todas las laderas a partir de {height} m cambiaron igual: deshielo o deslizamientos.",
    took_in="Incluye el terreno de otras alertas anteriores: {alerts}.",
    window="Ocurrió entre {start} (última imagen sin el cambio) y {end} (primera con él).",
    confidence="Confianza: {level}. No es una probabilidad. Dudas (en inglés): {doubts}.",
    rate="El suelo en calma muestra un cambio al menos tan fuerte {rate} veces por 1000 km² y año.",
    rate_simulated="Eso se contó en suelo simulado.",
    rate_unknown="Aquí no se sabe con qué frecuencia el suelo en calma muestra un cambio así.",
    looks=_looks(
        "Indicios a favor: {looks}.",
        "Indicios en contra: {looks}.",
        "Vieron el suelo y no pueden decidir: {looks}.",
        "No vieron el suelo (nubes, sombra, nieve, fuera): {looks}.",
    ),
    share="La última imagen que muestra algo muestra el {percent} % de su superficie.",
    people=_people(
        "Confirmado sobre el terreno el {at}.",
        "Descartado por una persona el {at}.",
        "Autorizado por una persona el {at}.",
    ),
    unchecked="Hallado por un programa en imágenes de satélite. Nadie lo ha comprobado sobre el terreno.",
    instructions=_instructions(
        "Compare las imágenes y otras fuentes antes de actuar. La ladera y lo que hay debajo pueden moverse de nuevo. "
        "Donde no hay alerta puede haber ocurrido algo sin ser visto.",
        "No habrá más mensajes sobre este lugar. Esto no es un fin de alerta: los satélites no pueden decir que una "
        "ladera es segura.",
        "No tenga en cuenta los mensajes anteriores de esta alerta.",
    ),
    status=_status(
        "EJERCICIO, nada de esto ha ocurrido",
        "PRUEBA, hallado en imágenes simuladas o con un modelo entrenado en ellas",
    ),
    restriction="No autorizado por una persona: solo para la autoridad responsable.",
    picture="El suelo antes y después",
    evidence="Los indicios como elemento STAC",
)

IT = Words(
    possible="Possibile frana",
    landslide="Frana",
    headline="{event}, {area} ha, {place}: {state}",
    region="regione {region}",
    states=_states(
        "vista in un passaggio",
        "vista in due passaggi",
        "confermata da un passaggio successivo",
        "confermata da una persona",
        "confermata da un passaggio successivo e da una persona",
        "più estesa di quanto comunicato",
        "estesa al terreno di un’altra allerta",
        "ritirata, il suolo è come prima",
        "ritirata da una persona ({reason})",
        "unita a un’altra allerta",
        "ritirata, le prove erano errate",
        "nessun altro messaggio",
        "nessun altro messaggio, non più vista",
    ),
    sensors=_sensors("ottico", "radar"),
    levels=_levels("bassa", "media", "alta"),
    what="{area} ha di suolo sono cambiati su pendii fino a {slope}° a {lat}, {lon} ({place}).",
    tile="Aumento della probabilità di pericolo in un riquadro",
    tile_what="Probabilità di pericolo aumentata in un riquadro di {area} ha a {lat}, {lon} ({place}); senza contorno.",
    around="Dintorni (in inglese): {around}.",
    alike="Tutti i pendii da {height} m in su sono cambiati allo stesso modo: neve che si scioglie o frane.",
    took_in="Comprende il terreno di altre allerte precedenti: {alerts}.",
    window="È accaduto tra il {start} (ultima immagine senza il cambiamento) e il {end} (prima con esso).",
    confidence="Fiducia: {level}. Non è una probabilità. Dubbi (in inglese): {doubts}.",
    rate="Il suolo in quiete mostra un cambiamento almeno così forte {rate} volte ogni 1000 km² e anno.",
    rate_simulated="Il conteggio è stato fatto su suolo simulato.",
    rate_unknown="Qui non è noto quanto spesso il suolo in quiete mostri un tale cambiamento.",
    looks=_looks(
        "Indizi a favore: {looks}.",
        "Indizi contro: {looks}.",
        "Hanno visto il suolo e non possono decidere: {looks}.",
        "Non hanno visto il suolo (nuvole, ombra, neve, fuori campo): {looks}.",
    ),
    share="L’ultima immagine che ne mostra una parte mostra il {percent} % della superficie.",
    people=_people(
        "Confermata sul posto il {at}.", "Scartata da una persona il {at}.", "Autorizzata da una persona il {at}."
    ),
    unchecked="Trovata da un programma in immagini satellitari. Nessuno l’ha verificata sul posto.",
    instructions=_instructions(
        "Confrontate le immagini e altre fonti prima di agire. Il pendio, e ciò che sta sotto, può muoversi ancora. "
        "Dove non c’è allerta può essere accaduto qualcosa senza essere visto.",
        "Non seguiranno altri messaggi su questo luogo. Non è un cessato allarme: i satelliti non possono dire che un "
        "pendio è sicuro.",
        "Non tenete conto dei messaggi precedenti di questa allerta.",
    ),
    status=_status(
        "ESERCITAZIONE, nulla di ciò è accaduto",
        "PROVA, trovata in immagini simulate o con un modello addestrato su di esse",
    ),
    restriction="Non autorizzata da una persona: solo per l’autorità responsabile.",
    picture="Il suolo prima e dopo",
    evidence="Gli indizi come elemento STAC",
)

JA = Words(
    possible="土砂崩れの可能性",
    landslide="土砂崩れ",
    headline="{event}、{area} ha、{place}：{state}",
    region="地域 {region}",
    states=_states(
        "1回の観測で検出",
        "2回の観測で検出",
        "後の観測で確認",
        "人が確認",
        "後の観測と人が確認",
        "以前の通知より拡大",
        "別の警報の範囲を統合",
        "取消し、地表は以前と同じ",
        "人が取消し（{reason}）",
        "別の警報に統合",
        "取消し、根拠に誤り",
        "以後の通知なし",
        "以後の通知なし、再確認されず",
    ),
    sensors=_sensors("光学", "レーダー"),
    levels=_levels("低", "中", "高"),
    what="{lat}, {lon}（{place}）で、最大傾斜 {slope}° の斜面の地表 {area} ha が変化しました。",
    tile="区画の危険確率の上昇",
    tile_what="{lat}, {lon}（{place}）の {area} ha の区画で危険確率が上昇しました。輪郭はありません。",
    around="周辺（英語）：{around}。",
    alike="標高 {height} m 以上の斜面がすべて同様に変化しました。融雪または斜面崩壊です。",
    took_in="以前の別の警報の範囲を含みます：{alerts}。",
    window="{start}（変化のない最後の観測）から {end}（変化のある最初の観測）までに発生しました。",
    confidence="確信度：{level}。確率ではありません。疑問点（英語）：{doubts}。",
    rate="平穏な地表でこれ以上の変化が現れるのは、1,000 km²・1年あたり {rate} 回です。",
    rate_simulated="この回数はシミュレーションの地表で数えたものです。",
    rate_unknown="平穏な地表でこのような変化が現れる頻度は、ここでは分かっていません。",
    looks=_looks(
        "裏付ける観測：{looks}。",
        "否定する観測：{looks}。",
        "地表は見えたが判断できない観測：{looks}。",
        "地表が見えなかった観測（雲、影、雪、範囲外）：{looks}。",
    ),
    share="最新の観測で見えたのは対象地の {percent} % です。",
    people=_people("{at} に現地で確認。", "{at} に人が却下。", "{at} に人が公表を承認。"),
    unchecked="衛星画像からソフトウェアが検出しました。現地では確認されていません。",
    instructions=_instructions(
        "行動の前に、画像を他の情報と照らし合わせてください。斜面とその下方は再び動くおそれがあります。"
        "警報のない場所でも、観測できないまま何かが起きている可能性があります。",
        "この場所についての通知は以後ありません。安全宣言ではありません。衛星では斜面の安全は判断できません。",
        "この警報の以前の通知は無視してください。",
    ),
    status=_status("訓練：実際には発生していません", "試験：模擬画像または模擬データで学習したモデルによる検出"),
    restriction="人による公表の承認がありません。担当機関限り。",
    picture="変化の前と後",
    evidence="証拠（STAC アイテム）",
)

LANGUAGES: Mapping[str, Words] = {"en": EN, "de": DE, "fr": FR, "es": ES, "it": IT, "ja": JA}
"""By language tag (BCP 47)."""
