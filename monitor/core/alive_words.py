"""What the weekly sign of life says, in every language that is shipped. English is the reference (a test compares)."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AliveWords:
    """One language. Names in braces are filled in by `core.alive_telling`."""

    well: str
    """The title while all is well, with alerts open ..."""
    quiet: str
    """... and with none ..."""
    unlooked: str
    """... because no look could be compared ..."""
    unlooked_open: str
    """... while alerts are open."""
    unwell: str
    source: str
    no_look: str
    no_look_ever: str
    no_scene: str
    unusable: str
    stale: str
    undelivered: str
    nothing: str
    no_new_look: str
    opened: str
    standing: str
    seen: str
    compared: str
    learning: str
    seen_since: str
    """Where the first acquisition is not so many days ago."""
    compared_since: str
    learning_since: str
    hidden: str
    """A sensor whose scenes all showed nothing: weather."""
    last_look: str
    none: str
    """Stands for the time of a look that there is not."""
    unseen: str
    blind: str
    passes: str
    no_passes: str
    parked: str
    waiting: str
    fallback: str
    """Catalogs that stand in for others."""
    silenced: str
    missed: str
    closing: str


EN = AliveWords(
    well="{region}: the watch is alive, open alerts: {alerts}",
    quiet="{region}: the watch is alive, nothing found",
    unlooked="{region}: the watch is alive, but could compare nothing",
    unlooked_open="{region}: the watch is alive, but could compare nothing; open alerts: {alerts}",
    unwell="{region}: THE WATCH IS NOT WELL",
    source="The catalog {item} has not answered since {since}.",
    no_look="Nothing has been observed since {since}.",
    no_look_ever="Nothing has been observed yet.",
    no_scene="{item}: no catalog has listed a scene for {days} days, so nothing is watched by it.",
    unusable="{item}: the newest scenes could not be used: {reasons}.",
    stale="Acquisitions that nobody has worked on since {since}: {count}.",
    undelivered="Channel {item}: messages that could not be delivered: {count}.",
    nothing="Nothing found since the last message.",
    no_new_look="Since the last message there was no look in which a change could be found.",
    opened="Alerts opened since the last message: {count}.",
    standing="Open alerts: {warning} of tier warning, {watch} of tier watch.",
    seen="Seen in the last {days} days: {percent} % of the ground{by}.",
    compared="Compared with earlier looks in the last {days} days, so that a change could be found: {shares}.",
    learning="In the last {days} days nothing could be compared with an earlier look: nothing can be found.",
    seen_since="Seen since the first acquisition of {since}: {percent} % of the ground{by}.",
    compared_since="Compared with earlier looks since the first acquisition of {since}, "
    "so that a change could be found: {shares}.",
    learning_since="Since the first acquisition of {since} nothing could be compared with an earlier look: "
    "nothing can be found.",
    hidden="{item}: none of {count} scenes of the last {days} days showed the ground "
    "(clouds, snow, or beside it): it saw nothing.",
    last_look="Last look: {at}.",
    none="none known",
    unseen="Not seen at all in the last {days} days: {count} of {tiles} tiles.",
    blind="Slopes that no radar track ever sees: {km2} km² ({percent} %).",
    passes="Next passes expected: {passes}.",
    no_passes="No next pass can be told.",
    parked="Acquisitions that wait for a person: {reasons}.",
    waiting="Acquisitions that wait or are tried again: {reasons}.",
    fallback="Scenes come from {item} since {since}: the other catalogs fail or are out of date.",
    silenced="Silences in force: {count}; messages they hold back until they end: {held}.",
    missed="Weekly messages missing before this one: {weeks}; the last was of {since}.",
    closing="No alert does not mean that nothing happened: a landslide can lie where nothing was seen.",
)

DE = AliveWords(
    well="{region}: die Überwachung läuft, offene Meldungen: {alerts}",
    quiet="{region}: die Überwachung läuft, nichts gefunden",
    unlooked="{region}: die Überwachung läuft, konnte aber nichts vergleichen",
    unlooked_open="{region}: die Überwachung läuft, konnte aber nichts vergleichen; offene Meldungen: {alerts}",
    unwell="{region}: DIE ÜBERWACHUNG IST GESTÖRT",
    source="Der Katalog {item} hat seit {since} nicht geantwortet.",
    no_look="Seit {since} wurde nichts beobachtet.",
    no_look_ever="Es wurde noch nichts beobachtet.",
    no_scene="{item}: seit {days} Tagen führt kein Katalog eine Szene; damit wird nichts überwacht.",
    unusable="{item}: die neuesten Szenen waren nicht zu verwenden: {reasons}.",
    stale="Aufnahmen, an denen seit {since} niemand arbeitet: {count}.",
    undelivered="Kanal {item}: nicht zustellbare Nachrichten: {count}.",
    nothing="Seit der letzten Nachricht nichts gefunden.",
    no_new_look="Seit der letzten Nachricht gab es keine Aufnahme, in der Veränderung zu finden war.",
    opened="Neue Meldungen seit der letzten Nachricht: {count}.",
    standing="Offene Meldungen: {warning} der Stufe Warnung, {watch} der Stufe Beobachtung.",
    seen="In den letzten {days} Tagen gesehen: {percent} % der Fläche{by}.",
    compared="In {days} Tagen mit früheren Aufnahmen verglichen, so dass Veränderung zu finden war: {shares}.",
    learning="In {days} Tagen war nichts mit früheren Aufnahmen zu vergleichen: es kann nichts gefunden werden.",
    seen_since="Seit der ersten Aufnahme vom {since} gesehen: {percent} % der Fläche{by}.",
    compared_since="Seit der ersten Aufnahme vom {since} mit früheren verglichen, "
    "so dass Veränderung zu finden war: {shares}.",
    learning_since="Seit der ersten Aufnahme vom {since} war nichts mit früheren zu vergleichen: "
    "es kann nichts gefunden werden.",
    hidden="{item}: keine von {count} Szenen aus {days} Tagen zeigte den Boden "
    "(Wolken, Schnee oder daneben): nichts gesehen.",
    last_look="Letzte Aufnahme: {at}.",
    none="keine bekannt",
    unseen="In den letzten {days} Tagen gar nicht gesehen: {count} von {tiles} Kacheln.",
    blind="Hänge, die keine Radarspur je sieht: {km2} km² ({percent} %).",
    passes="Nächste erwartete Überflüge: {passes}.",
    no_passes="Der nächste Überflug ist nicht bekannt.",
    parked="Aufnahmen, die auf einen Menschen warten: {reasons}.",
    waiting="Aufnahmen, die warten oder erneut versucht werden: {reasons}.",
    fallback="Szenen kommen seit {since} aus {item}: die anderen Kataloge antworten nicht oder sind veraltet.",
    silenced="Stummschaltungen in Kraft: {count}; bis zu ihrem Ende zurückgehaltene Meldungen: {held}.",
    missed="Wöchentliche Nachrichten, die davor fehlten: {weeks}; die letzte war vom {since}.",
    closing="Keine Meldung heißt nicht, dass nichts geschehen ist: wo nichts gesehen wurde, kann etwas gerutscht sein.",
)

FR = AliveWords(
    well="{region} : la surveillance fonctionne, alertes en cours : {alerts}",
    quiet="{region} : la surveillance fonctionne, rien trouvé",
    unlooked="{region} : la surveillance fonctionne, mais n’a rien pu comparer",
    unlooked_open="{region} : la surveillance fonctionne, mais n’a rien pu comparer ; alertes en cours : {alerts}",
    unwell="{region} : LA SURVEILLANCE EST PERTURBÉE",
    source="Le catalogue {item} n’a pas répondu depuis le {since}.",
    no_look="Rien n’a été observé depuis le {since}.",
    no_look_ever="Rien n’a encore été observé.",
    no_scene="{item} : aucun catalogue n’a de scène depuis {days} jours ; rien n’est surveillé par ce capteur.",
    unusable="{item} : les dernières scènes n’ont pas pu être utilisées : {reasons}.",
    stale="Acquisitions que personne ne traite depuis le {since} : {count}.",
    undelivered="Canal {item} : messages non remis : {count}.",
    nothing="Rien trouvé depuis le dernier message.",
    no_new_look="Depuis le dernier message, aucune image où un changement aurait pu être trouvé.",
    opened="Nouvelles alertes depuis le dernier message : {count}.",
    standing="Alertes en cours : {warning} de niveau avertissement, {watch} de niveau surveillance.",
    seen="Vu ces {days} derniers jours : {percent} % du terrain{by}.",
    compared="Comparé ces {days} derniers jours à des images antérieures, pour y trouver un changement : {shares}.",
    learning="Ces {days} derniers jours, rien n’a pu être comparé à une image antérieure : rien ne peut être trouvé.",
    seen_since="Vu depuis la première image, du {since} : {percent} % du terrain{by}.",
    compared_since="Comparé depuis la première image, du {since}, à des images antérieures, "
    "pour y trouver un changement : {shares}.",
    learning_since="Depuis la première image, du {since}, rien n’a pu être comparé à une image antérieure : "
    "rien ne peut être trouvé.",
    hidden="{item} : aucune des {count} scènes de ces {days} jours n’a montré le sol "
    "(nuages, neige ou à côté) : rien n’a été vu.",
    last_look="Dernière image : {at}.",
    none="aucune connue",
    unseen="Pas vu du tout ces {days} derniers jours : {count} tuiles sur {tiles}.",
    blind="Pentes qu’aucune orbite radar ne voit jamais : {km2} km² ({percent} %).",
    passes="Prochains passages attendus : {passes}.",
    no_passes="Le prochain passage n’est pas connu.",
    parked="Acquisitions qui attendent une personne : {reasons}.",
    waiting="Acquisitions en attente ou retentées : {reasons}.",
    fallback="Les scènes viennent de {item} depuis le {since} : les autres catalogues échouent ou sont en retard.",
    silenced="Silences en vigueur : {count} ; messages retenus jusqu’à leur fin : {held}.",
    missed="Messages hebdomadaires manquants avant celui-ci : {weeks} ; le dernier datait du {since}.",
    closing="Sans alerte ne veut pas dire que rien n’est arrivé : un glissement peut être là où rien n’a été vu.",
)

ES = AliveWords(
    well="{region}: la vigilancia funciona, alertas abiertas: {alerts}",
    quiet="{region}: la vigilancia funciona, nada encontrado",
    unlooked="{region}: la vigilancia funciona, pero no pudo comparar nada",
    unlooked_open="{region}: la vigilancia funciona, pero no pudo comparar nada; alertas abiertas: {alerts}",
    unwell="{region}: LA VIGILANCIA NO FUNCIONA BIEN",
    source="El catálogo {item} no ha respondido desde el {since}.",
    no_look="No se ha observado nada desde el {since}.",
    no_look_ever="Todavía no se ha observado nada.",
    no_scene="{item}: ningún catálogo tiene escenas desde hace {days} días; ese sensor no vigila nada.",
    unusable="{item}: las últimas escenas no se pudieron usar: {reasons}.",
    stale="Adquisiciones en las que nadie trabaja desde el {since}: {count}.",
    undelivered="Canal {item}: mensajes que no se pudieron entregar: {count}.",
    nothing="Nada encontrado desde el último mensaje.",
    no_new_look="Desde el último mensaje no hubo imagen en la que se pudiera encontrar un cambio.",
    opened="Alertas nuevas desde el último mensaje: {count}.",
    standing="Alertas abiertas: {warning} de nivel aviso, {watch} de nivel observación.",
    seen="Visto en los últimos {days} días: {percent} % del terreno{by}.",
    compared="Comparado en {days} días con imágenes anteriores, de modo que podía hallarse un cambio: {shares}.",
    learning="En los últimos {days} días nada se pudo comparar con una imagen anterior: no puede hallarse nada.",
    seen_since="Visto desde la primera imagen, del {since}: {percent} % del terreno{by}.",
    compared_since="Comparado desde la primera imagen, del {since}, con imágenes anteriores, "
    "para hallar en ellas un cambio: {shares}.",
    learning_since="Desde la primera imagen, del {since}, nada se pudo comparar con una imagen anterior: "
    "no puede hallarse nada.",
    hidden="{item}: ninguna de {count} escenas de {days} días mostró el suelo "
    "(nubes, nieve o al lado): no se vio nada.",
    last_look="Última imagen: {at}.",
    none="ninguna conocida",
    unseen="No visto en absoluto en los últimos {days} días: {count} de {tiles} teselas.",
    blind="Laderas que ninguna órbita de radar ve nunca: {km2} km² ({percent} %).",
    passes="Próximos pasos esperados: {passes}.",
    no_passes="No se conoce el próximo paso.",
    parked="Adquisiciones que esperan a una persona: {reasons}.",
    waiting="Adquisiciones en espera o que se reintentan: {reasons}.",
    fallback="Las escenas vienen de {item} desde el {since}: los demás catálogos fallan o están atrasados.",
    silenced="Silencios en vigor: {count}; mensajes retenidos hasta que terminen: {held}.",
    missed="Mensajes semanales que faltaron antes de este: {weeks}; el último fue del {since}.",
    closing="Sin alerta no significa que nada haya ocurrido: puede haber un deslizamiento donde nada se vio.",
)

IT = AliveWords(
    well="{region}: la sorveglianza funziona, allerte aperte: {alerts}",
    quiet="{region}: la sorveglianza funziona, nulla trovato",
    unlooked="{region}: la sorveglianza funziona, ma non ha potuto confrontare nulla",
    unlooked_open="{region}: la sorveglianza funziona, ma non ha potuto confrontare nulla; allerte aperte: {alerts}",
    unwell="{region}: LA SORVEGLIANZA NON FUNZIONA BENE",
    source="Il catalogo {item} non risponde dal {since}.",
    no_look="Nulla è stato osservato dal {since}.",
    no_look_ever="Nulla è stato ancora osservato.",
    no_scene="{item}: nessun catalogo ha scene da {days} giorni; quel sensore non sorveglia nulla.",
    unusable="{item}: le ultime scene non si sono potute usare: {reasons}.",
    stale="Acquisizioni a cui nessuno lavora dal {since}: {count}.",
    undelivered="Canale {item}: messaggi non consegnati: {count}.",
    nothing="Nulla trovato dall’ultimo messaggio.",
    no_new_look="Dall’ultimo messaggio nessuna immagine in cui si potesse trovare un cambiamento.",
    opened="Nuove allerte dall’ultimo messaggio: {count}.",
    standing="Allerte aperte: {warning} di livello avviso, {watch} di livello osservazione.",
    seen="Visto negli ultimi {days} giorni: {percent} % del terreno{by}.",
    compared="Confrontato negli ultimi {days} giorni con immagini precedenti, per trovarvi un cambiamento: {shares}.",
    learning="In {days} giorni nulla si è potuto confrontare con un’immagine precedente: nulla può essere trovato.",
    seen_since="Visto dalla prima immagine, del {since}: {percent} % del terreno{by}.",
    compared_since="Confrontato dalla prima immagine, del {since}, con immagini precedenti, "
    "per trovarvi un cambiamento: {shares}.",
    learning_since="Dalla prima immagine, del {since}, nulla si è potuto confrontare con un’altra: "
    "nulla può essere trovato.",
    hidden="{item}: nessuna di {count} scene di {days} giorni ha mostrato il suolo "
    "(nubi, neve o a lato): nulla è stato visto.",
    last_look="Ultima immagine: {at}.",
    none="nessuna nota",
    unseen="Non visti affatto negli ultimi {days} giorni: {count} riquadri su {tiles}.",
    blind="Pendii che nessuna orbita radar vede mai: {km2} km² ({percent} %).",
    passes="Prossimi passaggi attesi: {passes}.",
    no_passes="Il prossimo passaggio non è noto.",
    parked="Acquisizioni che attendono una persona: {reasons}.",
    waiting="Acquisizioni in attesa o ritentate: {reasons}.",
    fallback="Le scene vengono da {item} dal {since}: gli altri cataloghi non rispondono o sono in ritardo.",
    silenced="Silenzi in vigore: {count}; messaggi trattenuti fino al loro termine: {held}.",
    missed="Messaggi settimanali mancati prima di questo: {weeks}; l’ultimo era del {since}.",
    closing="Nessuna allerta non vuol dire che nulla sia accaduto: una frana può trovarsi dove nulla è stato visto.",
)

JA = AliveWords(
    well="{region}：監視は動作中、発表中の警報 {alerts} 件",
    quiet="{region}：監視は動作中、検出なし",
    unlooked="{region}：監視は動作中、ただし比較できず",
    unlooked_open="{region}：監視は動作中、ただし比較できず、発表中の警報 {alerts} 件",
    unwell="{region}：監視に異常があります",
    source="カタログ {item} が {since} から応答していません。",
    no_look="{since} から何も観測されていません。",
    no_look_ever="まだ何も観測されていません。",
    no_scene="{item}：{days} 日間、どのカタログにも観測データがなく、このセンサーでは何も監視されていません。",
    unusable="{item}：最新の観測データは使用できませんでした：{reasons}。",
    stale="{since} から処理が進んでいない観測データ：{count} 件。",
    undelivered="チャネル {item}：{count} 件の通知を配信できませんでした。",
    nothing="前回の通知以降、検出はありません。",
    no_new_look="前回の通知以降、変化を検出できる観測はありませんでした。",
    opened="前回の通知以降の新しい警報：{count} 件。",
    standing="発表中：警告 {warning} 件、注視 {watch} 件。",
    seen="過去 {days} 日間に観測された地表：{percent} %{by}。",
    compared="過去 {days} 日間に以前の観測と比較され、変化を検出できた範囲：{shares}。",
    learning="過去 {days} 日間は以前の観測と比較できず、何も検出できません。",
    seen_since="{since} の最初の観測以降に観測された地表：{percent} %{by}。",
    compared_since="{since} の最初の観測以降、以前の観測と比較され、変化を検出できた範囲：{shares}。",
    learning_since="{since} の最初の観測以降、以前の観測と比較できず、何も検出できません。",
    hidden="{item}：過去 {days} 日間の {count} 件はいずれも地表を捉えていません（雲、雪、範囲外）。",
    last_look="最新の観測：{at}。",
    none="なし",
    unseen="過去 {days} 日間にまったく観測されていない区画：{tiles} 区画中 {count}。",
    blind="どのレーダー軌道からも見えない斜面：{km2} km²（{percent} %）。",
    passes="次に予想される通過：{passes}。",
    no_passes="次の通過は分かりません。",
    parked="人の対応を待つ観測データ：{reasons}。",
    waiting="待機中または再試行中の観測データ：{reasons}。",
    fallback="{since} から {item} の観測データを使用しています。他のカタログは応答なし、または更新が止まっています。",
    silenced="有効な通知停止：{count} 件。終了まで保留中の通知：{held} 件。",
    missed="これまでに週次通知が {weeks} 回欠けています。最後の通知は {since} でした。",
    closing="警報がないことは、何も起きていないことを意味しません。観測できない場所で崩れている可能性があります。",
)

ALIVE_LANGUAGES: Mapping[str, AliveWords] = {"en": EN, "de": DE, "fr": FR, "es": ES, "it": IT, "ja": JA}
"""By language tag (BCP 47), as `core.words.LANGUAGES`."""
