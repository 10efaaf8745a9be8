"""Texts of the contract page, in English and Portuguese."""

from __future__ import annotations

from typing import Literal

Language = Literal["en", "pt"]

WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "title": "Contract between marketing and sales",
        "preamble": (
            "Version `{version}`, valid from {valid_from}. Printed from the rule files by `leadhouse contract`; "
            "the version is a hash of them, so that one changed number is another contract. Every figure about "
            "leads that were handed over is computed by exactly these rules."
        ),
        "stages": "Stages",
        "stages_text": "A contact stands in one stage; it moves only as listed, on the evidence listed.",
        "entry": "Enters when",
        "exit": "Leaves when",
        "leads_to": "May go on to",
        "line_of": "Line",
        "line": "fit of at least {fit} and engagement of at least {engagement}",
        "line_leave": "; left when engagement stays below {engagement} for {days} days",
        "hand_over": "Hand-over",
        "from": "from",
        "to": "to",
        "means": "means",
        "why": "why",
        "any": "any stage",
        "handed_over": "handed over",
        "accepted": "accepted",
        "rejected": "rejected",
        "gate_text": "Nobody is handed to sales of whom one of these holds:",
        "entry_text": (
            "The lead came in with the latest request ({requests}) of the {days} days before the hand-over; "
            "without one, with the latest other form or its first capture; without any, with the hand-over "
            "itself. Whoever sales takes up before marketing handed them over is counted apart, in no share."
        ),
        "promises": "What sales promises",
        "promises_text": "The first segment whose conditions hold applies, in the version valid at the hand-over.",
        "segment": "segment",
        "who": "who",
        "first_contact": "first contact within",
        "attempts": "least attempts",
        "last_attempt": "last attempt after the lead came in, at most",
        "touches": "least touches before giving up",
        "maturity": "verdict final after",
        "calendar": "calendar",
        "owner": "owner",
        "version": "version (valid from)",
        "entry_kinds": "came in by",
        "request_groups": "request group",
        "countries": "countries",
        "buying_roles": "buying roles",
        "everybody_else": "everybody else",
        "clock": "by the clock",
        "business": "of business time",
        "capture": "from when the lead came in",
        "assignment": "from when it was assigned",
        "days": "{days} days",
        "hours_count": "{hours} h",
        "minutes_count": "{minutes} min",
        "lead_calendar": "that of the lead's country",
        "checks_text": (
            "Each hand-over is checked for these; a promise is pending until it is due, and exactly at the limit "
            "is kept. Only attempts by people count as first contact; once the person was reached, no further "
            "attempt is owed."
        ),
        "outcomes": "Outcomes",
        "outcomes_text": (
            "Every attempt has one outcome of this list. An activity without one, or with another, is set aside "
            "with its record and field named, and is no attempt until somebody gives it one."
        ),
        "outcome": "outcome",
        "is_attempt": "is an attempt",
        "activities": "values by activity",
        "yes": "yes",
        "no": "no",
        "verdicts": "Verdicts",
        "verdict": "verdict",
        "kpi_text": (
            "Each hand-over has exactly one verdict. SAL/MQL of a month or week = accepted / (accepted + worked "
            "and rejected + late + too few tries), with its 95 % interval; pending ones stand apart. A cohort is "
            "mature when every verdict in it is final."
        ),
        "calendars": "Business time",
        "calendars_text": (
            "Hours are those of the lead, wherever sales sits, unless a calendar has a zone of its own."
        ),
        "what": "what",
        "hours": "open",
        "zone": "zone",
        "all_others": "all others",
        "lead_zone": "the lead's",
        "holidays": "Holidays",
        "weekdays": "Mon Tue Wed Thu Fri Sat Sun",
        "signatures": "Signatures",
        "signatures_text": "Signed for version `{version}`.",
        "marketing": "marketing",
        "sales": "sales",
        "party": "party",
        "role": "role",
        "name": "name",
        "date": "date",
        "signature": "signature",
    },
    "pt": {
        "title": "Contrato entre marketing e vendas",
        "preamble": (
            "Versão `{version}`, válida desde {valid_from}. Impresso a partir dos arquivos de regras por "
            "`leadhouse contract`; a versão é um hash deles, de modo que um número alterado é outro contrato. "
            "Todos os números sobre leads entregues são calculados exatamente por estas regras."
        ),
        "stages": "Estágios",
        "stages_text": "Um contato está em um só estágio; move-se apenas como listado, com a evidência listada.",
        "entry": "Entra quando",
        "exit": "Sai quando",
        "leads_to": "Pode seguir para",
        "line_of": "Linha",
        "line": "perfil de pelo menos {fit} e engajamento de pelo menos {engagement}",
        "line_leave": "; sai quando o engajamento fica abaixo de {engagement} por {days} dias",
        "hand_over": "Entrega",
        "from": "de",
        "to": "para",
        "means": "significa",
        "why": "por quê",
        "any": "qualquer estágio",
        "handed_over": "entregue",
        "accepted": "aceito",
        "rejected": "rejeitado",
        "gate_text": "Ninguém é entregue a vendas se vale um destes:",
        "entry_text": (
            "O lead entrou com o pedido mais recente ({requests}) dos {days} dias antes da entrega; sem pedido, "
            "com o outro formulário mais recente ou a primeira captura; sem nada disso, com a própria entrega. "
            "Quem vendas assume antes da entrega pelo marketing é contado à parte, fora de qualquer proporção."
        ),
        "promises": "O que vendas promete",
        "promises_text": "Vale o primeiro segmento cujas condições se cumprem, na versão válida na entrega.",
        "segment": "segmento",
        "who": "quem",
        "first_contact": "primeiro contato em até",
        "attempts": "mínimo de tentativas",
        "last_attempt": "última tentativa após a entrada do lead, no máximo",
        "touches": "mínimo de pontos de contato antes de desistir",
        "maturity": "veredito final após",
        "calendar": "calendário",
        "owner": "responsável",
        "version": "versão (válida desde)",
        "entry_kinds": "entrou por",
        "request_groups": "grupo do pedido",
        "countries": "países",
        "buying_roles": "papéis de compra",
        "everybody_else": "todos os demais",
        "clock": "de relógio",
        "business": "de horário comercial",
        "capture": "desde a entrada do lead",
        "assignment": "desde a atribuição",
        "days": "{days} dias",
        "hours_count": "{hours} h",
        "minutes_count": "{minutes} min",
        "lead_calendar": "o do país do lead",
        "checks_text": (
            "Cada entrega é verificada quanto a isto; uma promessa fica pendente até vencer, e exatamente no "
            "limite está cumprida. Só tentativas de pessoas contam como primeiro contato; contatada a pessoa, não"
            " se deve outra tentativa."
        ),
        "outcomes": "Resultados",
        "outcomes_text": (
            "Toda tentativa tem um resultado desta lista. Uma atividade sem resultado, ou com outro, é separada "
            "com seu registro e campo indicados, e não é tentativa até que alguém lhe dê um."
        ),
        "outcome": "resultado",
        "is_attempt": "é tentativa",
        "activities": "valores por atividade",
        "yes": "sim",
        "no": "não",
        "verdicts": "Vereditos",
        "verdict": "veredito",
        "kpi_text": (
            "Cada entrega tem exatamente um veredito. SAL/MQL de um mês ou semana = aceitos / (aceitos + "
            "trabalhados e rejeitados + atrasados + com poucas tentativas), com intervalo de 95 %; os pendentes "
            "ficam à parte. Uma coorte está madura quando todos os seus vereditos são finais."
        ),
        "calendars": "Horário comercial",
        "calendars_text": (
            "O horário é o do lead, onde quer que vendas esteja, salvo se o calendário tiver fuso próprio."
        ),
        "what": "o quê",
        "hours": "aberto",
        "zone": "fuso",
        "all_others": "todos os outros",
        "lead_zone": "o do lead",
        "holidays": "Feriados",
        "weekdays": "seg ter qua qui sex sáb dom",
        "signatures": "Assinaturas",
        "signatures_text": "Assinado para a versão `{version}`.",
        "marketing": "marketing",
        "sales": "vendas",
        "party": "parte",
        "role": "cargo",
        "name": "nome",
        "date": "data",
        "signature": "assinatura",
    },
}
