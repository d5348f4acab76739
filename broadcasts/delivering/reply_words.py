"""How mail systems of several languages say the four things that matter most. Patterns for text in lower case.

The phrases are those of the systems' own message files and manuals, by language; each group is one alternative of a
pattern. A phrase that leaves it open ("not found, or not reachable now") belongs to none.
"""


def any_of(*groups: str) -> str:
    return "|".join(groups)


_GAP = r"[^.;]{0,60}?"
_WHO = r"(?:e-?mail )?(?:user|mailbox|account|recipient|address|addressee|person|alias|inbox)(?:'s)?"

ADDRESS_GONE = any_of(
    # English
    r"user[ -]?(?:is )?unknown|unknown[ -](?:local[ -])?(?:user|recipient|mailbox|account|address|addressee)",
    r"no such (?:\w+ )?(?:user|recipient|mailbox|account|address|addressee|person|id|local|name|alias)|no such @",
    r"(?<!not )invalid (?:recipient|mailbox|user|address|account|e-?mail address|local part)",
    rf"\b{_WHO}\b{_GAP}\b(?:does ?n[o']t exist|do not exist|not exist|doesn'?t exist|not found|unknown|is invalid"
    rf"|no longer exists?"
    r"|not (?:a )?(?:valid|known|registered|listed|recogni[sz]ed|local|defined|hosted|found)"
    r"|could ?n[o']t be found|wasn'?t found"
    r"|cannot be found|is n[o']t (?:valid|known|found|here))",
    r"not (?:a )?(?:valid|known|existing|local) (?:user|mailbox|recipient|address|account)|non-?existent (?:user"
    r"|mailbox|address)",
    r"invalid (?:final )?(?:delivery )?user ?id|no mailbox (?:here|by|found|with)|mailbox not (?:found"
    r"|available here)|recipient (?:name )?is not recogni[sz]ed",
    r"name is not recogni[sz]ed|not listed in|un(?:route|rout)able (?:mail )?address|no (?:valid )?account\b",
    r"does ?n[o']t have an?\b.{0,60}\baccount|recip(?:ient)?notfound|mail-?box not exist|addressee unknown",
    r"undeliverable address|bad[ -]?(?:recipient|rcpt ?to)|can'?t accept user|not present in (?:the )?directory"
    r"|missing home directory|is not an active address|not in my validrcptto|unable to (?:find|locate) (?:user"
    r"|recipient|mailbox)|can(?:not|'t) (?:find|verify) (?:user|recipient)",
    r"check (?:if|that|whether) (?:the )?address is correct|(?:verify|check) the recipient(?:'s)? address",
    r"(?:user|recipient) (?:cannot|can't|could not) be verified|there is no (?:user|one|mailbox)"
    r"|bad destination mailbox address",
    r"\bbad address|address(?:es)? (?:is |was |were )?(?:invalid|unknown|wrong)|invalid-recipient|in my badrecip"
    r"|(?:mailbox|recipient|user) (?:is )?(?:invalid|not (?:present|ok|in my valid))\b|no valid recipients",
    r"unknown (?:virtual user|e-?mail address|local-?part)|no mail ?box available for this user",
    r"(?:^[\d. ]*|rcpt |recipient )@ (?:was )?(?:not found|does not exist)",
    # German
    r"(?:empf(?:ä|ae)nger|benutzer|postfach|adresse)(?:in)?\b[^.;]{0,40}(?:unbekannt|existiert nicht"
    r"|nicht gefunden|nicht vorhanden"
    r"|ung(?:ü|ue)ltig|nicht bekannt)",
    r"unbekannte[rs]? (?:empf|benutzer|adress)|kein(?:e[nrs]?)? (?:solche[rs]? )?(?:benutzer|postfach|empf)",
    # French
    r"(?:utilisateur|destinataire|adresse|bo[iî]te(?: aux lettres)?|compte)s?\b[^.;]{0,40}(?:inconnue?s?"
    r"|inexistante?s?|invalides?"
    r"|n'existe pas|n'existe plus|introuvable)|adresse d.?au moins un destinataire invalide",
    # Spanish and Portuguese
    r"(?:usuario|usu[aá]rio|destinat[aá]rio|direcci[oó]n|endere[cç]o|buz[oó]n|cuenta|conta"
    r"|caixa)\b[^.;]{0,40}(?:desconocid|"
    r"desconhecid|no existe|n[aã]o existe|inexistente|inv[aá]lid|no se (?:ha )?encontr|n[aã]o (?:foi )?encontrad)",
    r"no existe (?:dicha|ese|esa|tal|el|la) (?:persona|usuario|buz|direcc|cuenta)",
    # Italian, Dutch, Polish
    r"nessun utente|(?:utente|destinatario|casella|indirizzo)\b[^.;]{0,40}(?:sconosciut|inesistente|non esiste"
    r"|non valid"
    r"|non trovat)",
    r"(?:gebruiker|ontvanger|adres|postbus)\b[^.;]{0,40}(?:onbekend|bestaat niet|niet gevonden|ongeldig)",
    r"(?:użytkownik|adresat|skrzynka|konto)\b[^.;]{0,40}(?:nie istnieje|nieznan|nie znalezion)",
    # Russian, Japanese, Chinese
    r"(?:пользовател\w*|адресат\w*|получател\w*|ящик\w*|адрес\w*)\b[^.;]{0,40}(?:не найден|не существует|неизвест"
    r"|не зарегистрирован)",
    r"(?:ユーザー?|宛先|受信者|メールアドレス|アカウント)[^。、]{0,60}(?:不明|存在しません|存在しない|見つかりません"
    r"(?!でした))"
    r"|ディレクトリ[^。、]{0,20}(?:見つかりません|ありません)",
    r"(?:用户|收件人|邮箱|帐号|账号)[^。\uff0c]{0,12}(?:不存在|未找到|无效)|无此用户|使用者不存在|查無此",
)

MOVED = any_of(
    r"\b(?:user|recipient|mailbox|account|person|address)\b[^.;]{0,40}\b(?:has )?moved|no longer (?:on (?:this "
    r"|the )?server|here|at this|with|works|work|employed|in use|available|in service)|not our customer"
    r"|has left the|address (?:has )?changed",
    r"nicht mehr (?:g(?:ü|ue)ltig|aktiv|bei uns|erreichbar)|n'est plus (?:valide|utilis[ée]e?)"
    r"|移転しました|変更されました",
)

DOMAIN_GONE = any_of(
    r"domain must exist|name or service not known",
    r"(?:host|domain)(?: name)?s?\b(?:(?!said|user|recipient|account|mailbox)[^.;:]){0,40}\b(?:not found|unknown"
    r"|does ?n[o']t exist"
    r"|not exist|is invalid|no longer exists)(?!,? try)",
    r"(?:unknown|no such|illegal|invalid|non-?existent|unresolvable|bad destination) (?:host|domain)|nxdomain",
    r"domain is not reachable|no (?:valid )?mx (?:record|host)|no valid (?:hosts?|mx)"
    r"|all relevant mx records point to non",
    r"host found but no data record|unrouteable mail domain|dns\b[^.;]{0,40}\bnon-?existent",
    r"(?:domain|domäne|domaine|dominio)\b[^.;]{0,30}(?:existiert nicht|unbekannt|n'existe pas|inconnu|no existe"
    r"|inexistente)",
)

MAILBOX_FULL = any_of(
    r"(?:does not have|without) enough space|exceed\w* (?:\w+ ){0,3}(?:storage|local limit)|space has been used up"
    r"|over (?:the |their |its )?(?:\w+ )?quota|(?:disk|dir) ?quota|too many messages on the server",
    r"(?:mail ?-?box|mail ?folder|inbox|account|user|recipient|mail ?drop)(?:'s|\(s\))?\b[^.;]{0,60}\b(?:is "
    r"|are )?(?:full|over[ -]?quota|overquota"
    r"|exceed\w* (?:its |the |their |his )?(?:storage|disk|quota|size|space|limit|allowed)|out of (?:space"
    r"|storage|disk)"
    r"|too full|(?:size|space) (?:limit|exceeded))",
    r"over ?-?quota|quota[^.;]{0,30}(?:exceed|exhaust|full|reach|violat|limit)|exceed\w*[^.;]{0,40}\bquota"
    r"|full mail ?box|mailfull",
    r"(?:insufficient|not enough|no more|out of|lack of) (?:system |disk |mail |mailbox )*(?:storage|space"
    r"|disk)(?! for)",
    r"(?:storage|disk) (?:space )?(?:limit|quota|full|exceeded)|(?:mailbox|disk|storage) (?:usage"
    r"|space)\b[^.;]{0,30}(?:exceed|full)",
    r"postfach\b[^.;]{0,30}\bvoll|speicherplatz\b[^.;]{0,40}(?:überschritten|erschöpft|voll)"
    r"|kontingent\b[^.;]{0,20}überschritten",
    r"bo[iî]te\b[^.;]{0,40}\bpleine|quota\b[^.;]{0,30}(?:dépass|atteint)|espace (?:disque )?insuffisant",
    r"buz[oó]n\b[^.;]{0,30}\blleno|cuota\b[^.;]{0,20}(?:excedida|superada)|caixa\b[^.;]{0,30}\bcheia"
    r"|casella\b[^.;]{0,30}\bpiena|postbus vol",
    r"ящик\w*\b[^.;]{0,30}переполнен|(?:メールボックス|受信箱|容量)[^。]{0,20}(?:いっぱい|一杯|超|オーバー|満杯)|(?:邮箱|信箱)[^。]{0,10}(?:已满|满|超)",
)
