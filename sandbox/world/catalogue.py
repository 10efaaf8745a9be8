"""What the imagined company has: countries it sells in, industries, job titles, web pages, forms, channels, campaigns.

The company is a fictional maker of marketing software, *Ponto Norte*; its site is :data:`SITE`.
"""

from __future__ import annotations

from dataclasses import dataclass

SITE = "https://www.pontonorte.io"


@dataclass(frozen=True)
class Country:
    """One market: how its people are named, called and reached. ``phone_lengths`` are digits after the prefix."""

    code: str
    name: str
    spellings: tuple[str, ...]
    faker_locale: str
    language: str
    tld: str
    currency: str
    revenue_per_employee: int
    dial: str
    legal_forms: tuple[str, ...]
    free_mail: tuple[str, ...]
    browser_locale: str
    utc_offset: int
    weight: float
    activity_system: str


COUNTRIES: tuple[Country, ...] = (
    Country(
        "BR", "Brazil", ("Brazil", "Brasil", "BR"), "pt_BR", "pt", ".com.br", "BRL", 420_000, "55",
        ("Ltda", "S.A.", "ME", "EIRELI"), ("gmail.com", "hotmail.com", "uol.com.br", "terra.com.br", "yahoo.com.br"),
        "pt-BR", -3, 0.38, "CNAE",
    ),
    Country(
        "FR", "France", ("France", "FR", "france"), "fr_FR", "fr", ".fr", "EUR", 180_000, "33",
        ("SAS", "SARL", "SA"), ("gmail.com", "orange.fr", "free.fr", "laposte.net", "hotmail.fr"),
        "fr-FR", 1, 0.27, "NAF",
    ),
    Country(
        "ES", "Spain", ("Spain", "España", "ES"), "es_ES", "es", ".es", "EUR", 140_000, "34",
        ("S.L.", "S.A."), ("gmail.com", "hotmail.es", "telefonica.net", "yahoo.es", "outlook.es"),
        "es-ES", 1, 0.12, "NACE",
    ),
    Country(
        "US", "United States", ("United States", "USA", "US"), "en_US", "en", ".com", "USD", 210_000, "1",
        ("Inc.", "LLC", "Corp."), ("gmail.com", "outlook.com", "yahoo.com", "icloud.com", "aol.com"),
        "en-US", -5, 0.13, "NACE",
    ),
    Country(
        "GB", "United Kingdom", ("United Kingdom", "UK", "GB"), "en_GB", "en", ".co.uk", "GBP", 170_000, "44",
        ("Ltd", "PLC", "LLP"), ("gmail.com", "outlook.com", "btinternet.com", "hotmail.co.uk", "yahoo.co.uk"),
        "en-GB", 0, 0.10, "NACE",
    ),
)  # fmt: skip

#: HubSpot's industry value, codes (NAF rev. 2, CNAE 2.3, NACE rev. 2, ISIC rev. 4), a word for names by language,
#: whether it is a kind of company that buys.
INDUSTRIES: tuple[tuple[str, str, str, str, str, dict[str, str], bool], ...] = (
    ("COMPUTER_SOFTWARE", "62.01Z", "6201-5/01", "62.01", "6201",
     {"pt": "Sistemas", "fr": "Logiciels", "es": "Software", "en": "Software"}, True),
    ("INFORMATION_TECHNOLOGY_AND_SERVICES", "62.02A", "6204-0/00", "62.02", "6202",
     {"pt": "Tecnologia", "fr": "Informatique", "es": "Tecnología", "en": "Technologies"}, True),
    ("MACHINERY", "28.99B", "2869-1/00", "28.99", "2829",
     {"pt": "Máquinas", "fr": "Machines", "es": "Maquinaria", "en": "Machinery"}, True),
    ("FOOD_PRODUCTION", "10.89Z", "1099-6/99", "10.89", "1079",
     {"pt": "Alimentos", "fr": "Alimentaire", "es": "Alimentos", "en": "Foods"}, False),
    ("LOGISTICS_AND_SUPPLY_CHAIN", "49.41A", "4930-2/02", "49.41", "4923",
     {"pt": "Logística", "fr": "Logistique", "es": "Logística", "en": "Logistics"}, True),
    ("WHOLESALE", "46.90Z", "4693-1/00", "46.90", "4690",
     {"pt": "Distribuidora", "fr": "Distribution", "es": "Distribución", "en": "Supply"}, True),
    ("BANKING", "64.19Z", "6422-1/00", "64.19", "6419",
     {"pt": "Financeira", "fr": "Finance", "es": "Finanzas", "en": "Financial"}, True),
    ("INSURANCE", "65.12Z", "6512-0/00", "65.12", "6512",
     {"pt": "Seguros", "fr": "Assurances", "es": "Seguros", "en": "Insurance"}, True),
    ("HIGHER_EDUCATION", "85.42Z", "8532-5/00", "85.42", "8530",
     {"pt": "Educação", "fr": "Formation", "es": "Educación", "en": "Learning"}, False),
    ("HOSPITAL_HEALTH_CARE", "86.10Z", "8610-1/01", "86.10", "8610",
     {"pt": "Saúde", "fr": "Santé", "es": "Salud", "en": "Health"}, False),
    ("CONSTRUCTION", "41.20B", "4120-4/00", "41.20", "4100",
     {"pt": "Construtora", "fr": "Construction", "es": "Construcciones", "en": "Construction"}, False),
    ("RETAIL", "47.11D", "4711-3/02", "47.11", "4711",
     {"pt": "Varejo", "fr": "Commerce", "es": "Comercio", "en": "Retail"}, False),
    ("TELECOMMUNICATIONS", "61.10Z", "6110-8/01", "61.10", "6110",
     {"pt": "Telecom", "fr": "Télécom", "es": "Telecom", "en": "Telecom"}, True),
    ("MARKETING_AND_ADVERTISING", "73.11Z", "7311-4/00", "73.11", "7310",
     {"pt": "Comunicação", "fr": "Communication", "es": "Publicidad", "en": "Media"}, False),
    ("LAW_PRACTICE", "69.10Z", "6911-7/01", "69.10", "6910",
     {"pt": "Advogados", "fr": "Avocats", "es": "Abogados", "en": "Legal"}, False),
    ("OIL_ENERGY", "35.11Z", "3511-5/01", "35.11", "3510",
     {"pt": "Energia", "fr": "Énergie", "es": "Energía", "en": "Energy"}, False),
    ("HOSPITALITY", "55.10Z", "5510-8/01", "55.10", "5510",
     {"pt": "Hotéis", "fr": "Hôtels", "es": "Hoteles", "en": "Hotels"}, False),
    ("CHEMICALS", "20.59Z", "2099-1/99", "20.59", "2029",
     {"pt": "Química", "fr": "Chimie", "es": "Química", "en": "Chemicals"}, True),
    ("AUTOMOTIVE", "29.32Z", "2949-2/99", "29.32", "2930",
     {"pt": "Autopeças", "fr": "Automobile", "es": "Automoción", "en": "Motors"}, True),
    ("PHARMACEUTICALS", "21.20Z", "2121-1/01", "21.20", "2100",
     {"pt": "Farmacêutica", "fr": "Pharma", "es": "Farma", "en": "Pharma"}, False),
)  # fmt: skip

CODE_SYSTEMS = ("NAF", "CNAE", "NACE", "ISIC")
#: Codes that no classification has, in the order of CODE_SYSTEMS.
UNKNOWN_CODES = ("99.99Z", "0000-0/00", "00.00", "9999")

#: How legal forms are also written.
LEGAL_SPELLINGS: dict[str, str] = {
    "Ltda": "LTDA.", "S.A.": "SA", "ME": "- ME", "EIRELI": "Eireli", "SAS": "S.A.S.", "SARL": "Sarl", "SA": "S.A.",
    "S.L.": "SL", "Inc.": "Inc", "LLC": "L.L.C.", "Corp.": "Corporation", "Ltd": "Limited", "PLC": "plc",
    "LLP": "L.L.P.",
}  # fmt: skip
AND_WORDS = {"pt": "e", "fr": "et", "es": "y", "en": "and"}

#: Other spellings of a country that a form or an import may bring, in the order of COUNTRIES, and what is no country.
ODD_COUNTRIES = (
    ("BRA", "Brésil", "brazil "), ("FRA", "Francia", "França"), ("ESP", "Espagne", "Espanha"),
    ("U.S.A.", "Estados Unidos", "États-Unis"), ("GBR", "Reino Unido", "Royaume-Uni"),
)  # fmt: skip
NO_COUNTRIES = ("n/a", "Earth", "-", "XX")

#: Slips in the domains of mailbox providers; the others lose a letter.
TYPO_HOSTS: dict[str, tuple[str, ...]] = {
    "gmail.com": ("gmial.com", "gamil.com", "gmai.com", "gmail.con", "gmaill.com"),
    "hotmail.com": ("hotnail.com", "hotmial.com", "hotmal.com"),
    "outlook.com": ("outlok.com", "outloook.com"),
    "yahoo.com": ("yaho.com", "yahooo.com"),
    "icloud.com": ("iclod.com",),
    "orange.fr": ("ornage.fr",),
    "hotmail.fr": ("hotmial.fr",),
    "hotmail.es": ("hotmial.es",),
    "outlook.es": ("outlok.es",),
    "yahoo.com.br": ("yaho.com.br",),
    "uol.com.br": ("uool.com.br",),
}
DISPOSABLE_HOSTS = ("mailinator.com", "yopmail.com", "guerrillamail.com", "trashmail.com", "10minutemail.com")
#: Shared mailboxes, in the order of COUNTRIES: one that stands for a person, one that several colleagues use.
ROLE_MAILBOXES = (("vendas", "compras"), ("commercial", "contact"), ("ventas", "info"), ("sales", "info"),
                  ("sales", "info"))  # fmt: skip

ROLES = ("decision_maker", "champion", "influencer", "practitioner", "intern", "unknown")
ROLE_WEIGHTS = (0.18, 0.20, 0.13, 0.32, 0.07, 0.10)

TITLES: dict[str, tuple[tuple[str | None, ...], ...]] = {
    "pt": (
        ("Diretor Comercial", "Diretora de Marketing", "CEO", "Sócio-fundador", "Vice-presidente de Vendas",
         "Diretor Geral", "CMO", "Presidente", "Diretora Executiva", "Sócia"),
        ("Gerente de Marketing", "Head de Growth", "Coordenadora de Marketing Digital", "Gerente de CRM",
         "Gerente Comercial", "Gerente de Geração de Demanda"),
        ("Gerente de TI", "Arquiteto de Soluções", "Controller", "Gerente de Compras", "Consultora de Negócios"),
        ("Analista de Marketing", "Analista de CRM", "Executivo de Contas", "Especialista em Inbound",
         "Assistente Comercial", "Desenvolvedora", "SDR"),
        ("Estagiária de Marketing", "Estagiário", "Jovem Aprendiz", "Estudante", "Trainee"),
        (None, None, "Outro", "-"),
    ),
    "fr": (
        ("Directeur commercial", "Directrice marketing", "PDG", "Gérant", "Cofondatrice", "Directeur général",
         "Vice-président des ventes", "DG"),
        ("Responsable marketing", "Head of Growth", "Responsable CRM", "Chef des ventes",
         "Responsable acquisition", "Responsable marketing digital"),
        ("DSI adjoint", "Architecte logiciel", "Contrôleuse de gestion", "Responsable achats", "Chef de projet IT"),
        ("Chargée de marketing", "Chargé de communication", "Ingénieur commercial", "Assistante commerciale",
         "Analyste CRM", "Développeur"),
        ("Stagiaire marketing", "Alternante communication", "Étudiant", "Apprentie", "Stagiaire"),
        (None, None, "Autre", "NC"),
    ),
    "es": (
        ("Director Comercial", "Directora de Marketing", "Consejero Delegado", "Socio fundador", "CEO",
         "Director General", "Vicepresidenta de Ventas"),
        ("Responsable de Marketing", "Jefe de Ventas", "Responsable de CRM", "Jefa de Marketing Digital",
         "Head of Growth"),
        ("Responsable de Compras", "Responsable de Sistemas", "Controller financiero", "Arquitecta de software"),
        ("Técnico de Marketing", "Analista de CRM", "Ejecutiva de cuentas", "Asistente comercial", "Desarrollador"),
        ("Becaria de Marketing", "Becario", "Estudiante", "Alumno en prácticas"),
        (None, None, "Otro", "."),
    ),
    "en": (
        ("Chief Marketing Officer", "CEO", "VP Sales", "VP of Marketing", "Founder", "Managing Director",
         "Director of Marketing", "Co-founder & CEO", "Chief Revenue Officer"),
        ("Marketing Manager", "Head of Growth", "Demand Generation Manager", "CRM Manager", "Sales Manager",
         "Marketing Operations Lead"),
        ("IT Manager", "Solutions Architect", "Financial Controller", "Procurement Manager", "Business Consultant"),
        ("Marketing Specialist", "CRM Analyst", "Account Executive", "Marketing Coordinator",
         "Sales Development Representative", "Software Developer"),
        ("Marketing Intern", "Student", "Summer Intern", "Apprentice", "Graduate Trainee"),
        (None, None, "Other", "n/a"),
    ),
}  # fmt: skip

#: Titles that say nothing.
NO_TITLES = ("-", "NC", ".", "n/a")

CITIES: dict[str, tuple[tuple[str, str], ...]] = {
    "BR": (("São Paulo", "SP"), ("Rio de Janeiro", "RJ"), ("Belo Horizonte", "MG"), ("Curitiba", "PR"),
           ("Porto Alegre", "RS"), ("Recife", "PE"), ("Florianópolis", "SC"), ("Campinas", "SP")),
    "FR": (("Paris", "Île-de-France"), ("Lyon", "Auvergne-Rhône-Alpes"), ("Lille", "Hauts-de-France"),
           ("Nantes", "Pays de la Loire"), ("Bordeaux", "Nouvelle-Aquitaine"), ("Toulouse", "Occitanie")),
    "ES": (("Madrid", "Madrid"), ("Barcelona", "Cataluña"), ("Valencia", "Comunidad Valenciana"),
           ("Sevilla", "Andalucía"), ("Bilbao", "País Vasco")),
    "US": (("New York", "NY"), ("Austin", "TX"), ("Chicago", "IL"), ("Boston", "MA"), ("Denver", "CO"),
           ("San Francisco", "CA")),
    "GB": (("London", "England"), ("Manchester", "England"), ("Leeds", "England"), ("Edinburgh", "Scotland")),
}  # fmt: skip

CHANNELS = (
    "direct", "organic_search", "paid_search", "organic_social", "paid_social", "email", "referral", "display",
    "affiliates",
)  # fmt: skip
#: Where a person's first visit comes from, and where later ones do.
FIRST_CHANNEL_WEIGHTS = (0.13, 0.28, 0.17, 0.08, 0.13, 0.01, 0.11, 0.06, 0.03)
LATER_CHANNEL_WEIGHTS = (0.38, 0.18, 0.08, 0.05, 0.05, 0.18, 0.05, 0.02, 0.01)

ANALYTICS_SOURCES = (
    "DIRECT_TRAFFIC", "ORGANIC_SEARCH", "PAID_SEARCH", "SOCIAL_MEDIA", "PAID_SOCIAL", "EMAIL_MARKETING", "REFERRALS",
    "OTHER_CAMPAIGNS", "OTHER_CAMPAIGNS",
)  # fmt: skip


@dataclass(frozen=True)
class Source:
    """One way a visit of a channel shows in the landing page. ``click_id`` names the query parameter."""

    channel: str
    weight: float
    referrer: str | None = None
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    content: str | None = None
    term: str | None = None
    click_id: str | None = None


SOURCES: tuple[Source, ...] = (
    Source("direct", 1.0),
    Source("organic_search", 0.80, "https://www.google.com/"),
    Source("organic_search", 0.14, "https://www.bing.com/"),
    Source("organic_search", 0.06, "https://duckduckgo.com/"),
    Source("paid_search", 0.22, "https://www.google.com/", "google", "cpc", "gs_marca_br", "rsa_a", "ponto norte",
           "gclid"),
    Source("paid_search", 0.24, "https://www.google.com/", "google", "cpc", "gs_lead_scoring_br", "rsa_b",
           "lead scoring", "gclid"),
    Source("paid_search", 0.20, "https://www.google.com/", "google", "cpc", "gs_lead_scoring_eu", "rsa_a",
           "lead scoring", "gclid"),
    Source("paid_search", 0.18, "https://www.google.com/", click_id="gclid"),
    Source("paid_search", 0.16, "https://www.bing.com/", "bing", "cpc", "bing_crm_eu", "rsa_a", "crm marketing",
           "msclkid"),
    Source("organic_social", 0.70, "https://www.linkedin.com/"),
    Source("organic_social", 0.15, "https://www.linkedin.com/", "linkedin", "social", "always_on"),
    Source("organic_social", 0.15, "https://l.facebook.com/"),
    Source("paid_social", 0.34, "https://www.linkedin.com/", "linkedin", "paid_social", "li_diretores_br", "video",
           None, "li_fat_id"),
    Source("paid_social", 0.26, "https://www.linkedin.com/", "linkedin", "paid_social", "li_directors_eu", "carousel",
           None, "li_fat_id"),
    Source("paid_social", 0.24, "https://l.facebook.com/", "facebook", "paid_social", "meta_ebook_br", "image", None,
           "fbclid"),
    Source("paid_social", 0.16, "https://l.facebook.com/", "facebook", "paid_social", "meta_ebook_eu", "image", None,
           "fbclid"),
    Source("email", 1.0, None, "hubspot", "email"),
    Source("referral", 0.40, "https://www.revista-vendas.com.br/"),
    Source("referral", 0.35, "https://www.journal-du-marketing.fr/"),
    Source("referral", 0.25, "https://blog.martech-partners.com/"),
    Source("display", 0.60, "https://www.portal-noticias.com.br/", "google", "display", "gdn_remarketing_br",
           "banner_300x250", None, "gclid"),
    Source("display", 0.40, "https://www.quotidien-eco.fr/", "google", "display", "gdn_remarketing_eu",
           "banner_728x90", None, "gclid"),
    Source("affiliates", 1.0, "https://www.compare-crm.net/", "compare-crm", "affiliate", "listing_2026"),
)  # fmt: skip


@dataclass(frozen=True)
class AdCampaign:
    """One paid campaign: its platform, currency, share of the budget and price of a click in that currency."""

    platform: str
    channel: str
    campaign: str
    currency: str
    budget_share: float
    cost_per_click: float


AD_CAMPAIGNS: tuple[AdCampaign, ...] = (
    AdCampaign("google_ads", "paid_search", "gs_marca_br", "BRL", 0.06, 4.5),
    AdCampaign("google_ads", "paid_search", "gs_lead_scoring_br", "BRL", 0.14, 12.0),
    AdCampaign("google_ads", "paid_search", "gs_lead_scoring_eu", "EUR", 0.16, 3.2),
    AdCampaign("google_ads", "display", "gdn_remarketing_br", "BRL", 0.04, 2.0),
    AdCampaign("google_ads", "display", "gdn_remarketing_eu", "EUR", 0.05, 0.6),
    AdCampaign("linkedin_ads", "paid_social", "li_diretores_br", "BRL", 0.16, 38.0),
    AdCampaign("linkedin_ads", "paid_social", "li_directors_eu", "EUR", 0.18, 8.5),
    AdCampaign("meta_ads", "paid_social", "meta_ebook_br", "BRL", 0.07, 3.0),
    AdCampaign("meta_ads", "paid_social", "meta_ebook_eu", "EUR", 0.07, 0.9),
    AdCampaign("bing_ads", "paid_search", "bing_crm_eu", "EUR", 0.07, 1.8),
)
#: Units of a currency for one euro, used only to make amounts (truth/effects.json carries them).
CURRENCY_PER_EUR = {"EUR": 1.0, "BRL": 6.2, "USD": 1.1, "GBP": 0.86}


@dataclass(frozen=True)
class Page:
    """One page of the site; ``weights`` by visitor profile, see :data:`PROFILES`."""

    path: str
    title: str
    weights: tuple[float, ...]


#: Kinds of behaviour on the site. The order is that of ``Page.weights``.
PROFILES = ("visitor", "casual", "buyer", "intern", "competitor", "job_seeker")


def _pages() -> tuple[Page, ...]:
    fixed = (
        Page("/", "Ponto Norte", (22, 12, 8, 6, 6, 10)),
        Page("/product", "Product", (8, 8, 8, 4, 10, 1)),
        Page("/product/scoring", "Lead scoring", (5, 7, 9, 4, 12, 0)),
        Page("/product/attribution", "Attribution", (4, 5, 6, 3, 12, 0)),
        Page("/pricing", "Pricing", (3, 5, 15, 3, 18, 0)),
        Page("/customers", "Customers", (2, 3, 6, 2, 4, 1)),
        Page("/about", "About us", (3, 2, 2, 1, 4, 8)),
        Page("/demo", "Ask for a demo", (0.8, 0.8, 3, 0, 0, 0)),
        Page("/contact", "Contact", (1, 1, 2, 0, 1, 3)),
        Page("/newsletter", "Newsletter", (1, 1, 0.5, 1, 0, 0)),
        Page("/careers", "Careers", (2, 0.7, 0.2, 2, 1, 32)),
        Page("/careers/account-executive", "Account executive", (0.5, 0.1, 0.1, 0.5, 0, 14)),
        Page("/careers/data-engineer", "Data engineer", (0.5, 0.1, 0.1, 0.5, 0, 14)),
        Page("/docs", "Documentation", (3, 2, 3, 6, 8, 1)),
        Page("/docs/api", "API", (2, 1.5, 3, 6, 10, 1)),
        Page("/docs/hubspot", "HubSpot connector", (2, 1.5, 4, 5, 6, 0)),
    )
    cases = ("moreira-logistica", "banque-du-sud", "talleres-ibarra", "harbour-insurance")
    posts = (
        "what-is-lead-scoring", "mql-sal-sql", "five-scoring-errors", "speed-to-lead", "buying-committee",
        "attribution-models", "clean-crm", "lgpd-and-leads", "nurture-sequences", "cost-per-sql",
    )  # fmt: skip
    more = [Page(f"/customers/{c}", f"Case study: {c}", (0.7, 1.5, 4, 1, 2, 0)) for c in cases]
    more += [Page(f"/blog/{p}", p.replace("-", " ").capitalize(), (3.6, 3.6, 1.2, 5, 0.8, 0.6)) for p in posts]
    more += [Page(f"/resources/{c.slug}", c.name, (0.8, 1.3, 1.3, 2, 0.5, 0)) for c in CONTENTS]
    more += [Page(f"/webinars/{w.slug}", w.name, (0.4, 0.8, 0.8, 1, 0.3, 0)) for w in WEBINARS]
    return (*fixed, *more)


@dataclass(frozen=True)
class Content:
    slug: str
    name: str
    kind: str


CONTENTS: tuple[Content, ...] = (
    Content("lead-management-guide", "Lead management guide", "ebook"),
    Content("scoring-template", "Scoring template", "template"),
    Content("crm-hygiene-checklist", "CRM hygiene checklist", "checklist"),
    Content("state-of-b2b-2026", "State of B2B 2026", "whitepaper"),
    Content("roi-of-attribution", "ROI of attribution", "case_study"),
    Content("sla-between-teams", "The SLA between two teams", "whitepaper"),
)


@dataclass(frozen=True)
class Webinar:
    """A live session; ``day`` counts from the start of history, at 14:00 UTC."""

    slug: str
    name: str
    day: int


WEBINARS: tuple[Webinar, ...] = (
    Webinar("scoring-in-practice", "Scoring in practice", 75),
    Webinar("from-mql-to-sal", "From MQL to SAL", 170),
    Webinar("atribuicao-sem-mitos", "Atribuição sem mitos", 265),
    Webinar("clean-your-crm", "Clean your CRM", 355),
    Webinar("comite-de-compra", "Comitê de compra", 440),
    Webinar("instant-scoring", "Instant scoring", 525),
)

PAGES = _pages()


@dataclass(frozen=True)
class Form:
    id: str
    name: str
    kind: str
    path: str
    fields: tuple[str, ...]


FORMS: tuple[Form, ...] = (
    Form("0f5b2c1e-7a41-4c1d-9a35-1d7f3f0a0001", "Newsletter", "newsletter", "/newsletter", ("email",)),
    Form("0f5b2c1e-7a41-4c1d-9a35-1d7f3f0a0002", "Content download", "content", "/resources/",
         ("email", "firstname", "lastname", "company", "jobtitle")),
    Form("0f5b2c1e-7a41-4c1d-9a35-1d7f3f0a0003", "Contact request", "contact_request", "/contact",
         ("email", "firstname", "lastname", "phone", "company", "message")),
    Form("0f5b2c1e-7a41-4c1d-9a35-1d7f3f0a0004", "Demo request", "demo_request", "/demo",
         ("email", "firstname", "lastname", "phone", "company", "jobtitle", "numemployees", "annualrevenue",
          "message")),
)  # fmt: skip
NEWSLETTER, CONTENT, CONTACT, DEMO, WEBINAR = range(5)

MESSAGES: dict[str, tuple[str, ...]] = {
    "pt": ("Quero saber mais sobre preços.", "Gostaria de falar com um consultor ainda esta semana.",
           "Vocês integram com HubSpot?", "Estamos trocando de ferramenta neste trimestre, temos orçamento."),
    "fr": ("Je souhaite connaître vos tarifs.", "Pouvez-vous me rappeler cette semaine ?",
           "Est-ce compatible avec HubSpot ?", "Nous changeons d'outil ce trimestre, budget validé."),
    "es": ("Quiero conocer los precios.", "¿Pueden llamarme esta semana?", "¿Se integra con HubSpot?",
           "Cambiamos de herramienta este trimestre y tenemos presupuesto."),
    "en": ("I would like to know your prices.", "Can someone call me this week?", "Do you integrate with HubSpot?",
           "We are replacing our tool this quarter and have budget."),
}  # fmt: skip

PIPELINE = ("default", "Sales pipeline")
DEAL_STAGES: tuple[tuple[str, str, str, str], ...] = (
    ("appointmentscheduled", "Appointment scheduled", "0.2", "false"),
    ("qualifiedtobuy", "Qualified to buy", "0.4", "false"),
    ("presentationscheduled", "Proposal presented", "0.6", "false"),
    ("contractsent", "Negotiation", "0.8", "false"),
    ("closedwon", "Closed won", "1.0", "true"),
    ("closedlost", "Closed lost", "0.0", "true"),
)
LOST_REASONS = ("Price", "No decision", "Chose a competitor", "No budget", "Missing feature", "Lost contact")

#: HubSpot's own ids of call outcomes.
CALL_OUTCOMES: dict[str, str] = {
    "busy": "9d9162e7-6cf3-4944-bf63-4dff82258764",
    "connected": "f240bbac-87c9-4f6e-bf70-924b57d47db7",
    "left_live_message": "a4c4c377-d246-4b32-a13b-75a56a4cd0ff",
    "left_voicemail": "b2cf5968-551e-4856-9783-52b3da59a7d0",
    "no_answer": "73a0d17f-1163-4015-bdd5-ec830791da20",
    "wrong_number": "17b47fee-58de-441e-a44c-c6300d46f273",
}

USER_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Linux; Android 15; SM-S926B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Mobile",
    "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
)
