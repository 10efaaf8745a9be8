"""Names people are also known by, names that look alike, and slips of the pen.

The lists are short on purpose: each entry is a form that people of that language use or mix up every day.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

import numpy as np

#: Short forms by language: (short form, full name). A full name may have several.
NICKNAMES: dict[str, tuple[tuple[str, str], ...]] = {
    "pt": (
        ("Zé", "José"), ("Chico", "Francisco"), ("Beto", "Roberto"), ("Edu", "Eduardo"), ("Dudu", "Eduardo"),
        ("Fê", "Fernanda"), ("Nanda", "Fernanda"), ("Nando", "Fernando"), ("Gabi", "Gabriela"), ("Gui", "Guilherme"),
        ("Gu", "Gustavo"), ("Guga", "Gustavo"), ("Rafa", "Rafael"), ("Duda", "Eduarda"), ("Leo", "Leonardo"),
        ("Tonho", "Antônio"), ("Toninho", "Antônio"), ("Bia", "Beatriz"), ("Carol", "Carolina"), ("Lipe", "Felipe"),
        ("Manu", "Emanuel"), ("Manu", "Emanuelly"), ("Isa", "Isabel"), ("Bela", "Isabela"), ("Isa", "Isabela"),
        ("Ju", "Juliana"), ("Lari", "Larissa"), ("Let", "Letícia"), ("Lelê", "Letícia"), ("Nat", "Natália"),
        ("Vini", "Vinícius"), ("Val", "Valentina"), ("Tina", "Valentina"), ("Quim", "Joaquim"), ("Ric", "Ricardo"),
        ("Cadu", "Carlos Eduardo"), ("Malu", "Maria Luiza"), ("Mafê", "Maria Fernanda"), ("Lena", "Helena"),
        ("Alê", "Alexandre"), ("Xande", "Alexandre"), ("Dani", "Daniel"), ("Dani", "Daniela"), ("Fabi", "Fabiana"),
        ("Binho", "Fábio"), ("Gabi", "Gabrielly"), ("Tati", "Tatiana"), ("Pati", "Patrícia"), ("Rô", "Rosana"),
    ),
    "fr": (
        ("Manu", "Emmanuel"), ("Manu", "Emmanuelle"), ("Fred", "Frédéric"), ("Fred", "Frédérique"),
        ("Alex", "Alexandre"), ("Seb", "Sébastien"), ("Nico", "Nicolas"), ("Max", "Maxime"), ("Cathy", "Catherine"),
        ("Domi", "Dominique"), ("Flo", "Florence"), ("Greg", "Grégoire"), ("Isa", "Isabelle"), ("Jo", "Joséphine"),
        ("Juju", "Julie"), ("Mado", "Madeleine"), ("Margot", "Marguerite"), ("Math", "Mathilde"),
        ("Mimi", "Michèle"), ("Nath", "Nathalie"), ("Pat", "Patrick"), ("Pat", "Patricia"), ("Phil", "Philippe"),
        ("Sandy", "Sandrine"), ("Steph", "Stéphane"), ("Steph", "Stéphanie"), ("Théo", "Théodore"),
        ("Tof", "Christophe"),
        ("Val", "Valérie"), ("Vero", "Véronique"), ("Vivi", "Virginie"), ("Zach", "Zacharie"), ("Guigui", "Guillaume"),
        ("Ben", "Benjamin"), ("Ben", "Benoît"), ("Charlie", "Charles"), ("Gaby", "Gabrielle"), ("Laeti", "Laetitia"),
        ("Dédé", "André"), ("Toine", "Antoine"), ("Tonio", "Antoine"), ("Vince", "Vincent"), ("Xav", "Xavier"),
    ),
    "es": (
        ("Pepe", "José"), ("Paco", "Francisco"), ("Pancho", "Francisco"), ("Nacho", "Ignacio"), ("Lola", "Dolores"),
        ("Concha", "Concepción"), ("Chus", "María Jesús"), ("Manolo", "Manuel"), ("Manu", "Manuel"),
        ("Quique", "Enrique"), ("Charo", "Rosario"), ("Lupe", "Guadalupe"), ("Toni", "Antonio"), ("Rafa", "Rafael"),
        ("Santi", "Santiago"), ("Javi", "Javier"), ("Dani", "Daniel"), ("Dani", "Daniela"), ("Fede", "Federico"),
        ("Fer", "Fernando"), ("Nando", "Fernando"), ("Guille", "Guillermo"), ("Gus", "Gustavo"), ("Isa", "Isabel"),
        ("Chabela", "Isabel"), ("Juanma", "Juan Manuel"), ("Lauri", "Laura"), ("Leti", "Leticia"),
        ("Magda", "Magdalena"),
        ("Maite", "María Teresa"), ("Mariví", "María Victoria"), ("Merche", "Mercedes"), ("Nati", "Natividad"),
        ("Patri", "Patricia"), ("Pili", "Pilar"), ("Reme", "Remedios"), ("Sole", "Soledad"),
        ("Susi", "Susana"), ("Tati", "Tatiana"), ("Tere", "Teresa"), ("Vero", "Verónica"), ("Xavi", "Xavier"),
        ("Asun", "Asunción"), ("Puri", "Purificación"), ("Trini", "Trinidad"), ("Chelo", "Consuelo"),
        ("Caro", "Carolina"),
        ("Agus", "Agustín"), ("Berto", "Alberto"), ("Alf", "Alfonso"), ("Poncho", "Alfonso"),
    ),
    "en": (
        ("Bob", "Robert"), ("Rob", "Robert"), ("Liz", "Elizabeth"), ("Beth", "Elizabeth"), ("Bill", "William"),
        ("Will", "William"), ("Jim", "James"), ("Jimmy", "James"), ("Mike", "Michael"), ("Dick", "Richard"),
        ("Rick", "Richard"), ("Tom", "Thomas"), ("Tony", "Anthony"), ("Ted", "Edward"), ("Ed", "Edward"),
        ("Dave", "David"), ("Chris", "Christopher"), ("Matt", "Matthew"), ("Dan", "Daniel"), ("Joe", "Joseph"),
        ("Josh", "Joshua"), ("Jeff", "Jeffrey"), ("Nick", "Nicholas"), ("Greg", "Gregory"), ("Ben", "Benjamin"),
        ("Sam", "Samuel"), ("Sam", "Samantha"), ("Steve", "Stephen"), ("Steve", "Steven"), ("Ken", "Kenneth"),
        ("Larry", "Lawrence"), ("Tim", "Timothy"), ("Zach", "Zachary"), ("Andy", "Andrew"), ("Drew", "Andrew"),
        ("Alex", "Alexander"), ("Alex", "Alexandra"), ("Kate", "Katherine"), ("Kathy", "Katherine"),
        ("Maggie", "Margaret"),
        ("Peggy", "Margaret"), ("Meg", "Margaret"), ("Sue", "Susan"), ("Debbie", "Deborah"), ("Jen", "Jennifer"),
        ("Jess", "Jessica"), ("Becky", "Rebecca"), ("Pam", "Pamela"), ("Mandy", "Amanda"), ("Steph", "Stephanie"),
        ("Vicky", "Victoria"), ("Val", "Valerie"), ("Patty", "Patricia"), ("Trish", "Patricia"), ("Abby", "Abigail"),
        ("Ellie", "Eleanor"), ("Phil", "Philip"), ("Phil", "Phillip"), ("Geoff", "Geoffrey"), ("Fred", "Frederick"),
        ("Gerry", "Gerard"), ("Ray", "Raymond"), ("Russ", "Russell"), ("Jon", "Jonathan"), ("Jake", "Jacob"),
        ("Charlie", "Charles"), ("Chuck", "Charles"), ("Stan", "Stanley"), ("Doug", "Douglas"), ("Don", "Donald"),
        ("Ron", "Ronald"), ("Ollie", "Oliver"), ("Liv", "Olivia"), ("Jackie", "Jacqueline"), ("Mel", "Melanie"),
    ),
}  # fmt: skip

#: First names of different people that differ by a letter or two, by language.
LOOKALIKES: dict[str, tuple[tuple[str, str], ...]] = {
    "pt": (("Ana", "Anna"), ("João", "Joana"), ("Paulo", "Paula"), ("Carlos", "Carla"), ("Marcos", "Márcia"),
           ("Luís", "Luísa"), ("Renato", "Renata"), ("Fernando", "Fernanda"), ("Mário", "Maria"),
           ("Francisco", "Francisca"), ("Roberto", "Roberta"), ("Marina", "Mariana"), ("Adriano", "Adriana")),
    "fr": (("Jean", "Jeanne"), ("Michel", "Michelle"), ("Daniel", "Danielle"), ("Louis", "Louise"),
           ("Emmanuel", "Emmanuelle"), ("Frédéric", "Frédérique"), ("Gabriel", "Gabrielle"), ("Pascal", "Pascale"),
           ("Marie", "Marine"), ("Christian", "Christiane"), ("Martin", "Martine"), ("Laurent", "Laurence")),
    "es": (("Mario", "María"), ("Julio", "Julia"), ("Juan", "Juana"), ("Carlos", "Carla"), ("Daniel", "Daniela"),
           ("Martín", "Martina"), ("Manuel", "Manuela"), ("Francisco", "Francisca"), ("Paula", "Paola"),
           ("Marina", "Mariana"), ("Ángel", "Ángela"), ("Antonio", "Antonia")),
    "en": (("John", "Joan"), ("Paul", "Paula"), ("Daniel", "Danielle"), ("Andrew", "Andrea"), ("Anna", "Anne"),
           ("Joan", "Joanna"), ("Francis", "Frances"), ("Eric", "Erica"), ("Christian", "Christina"),
           ("Gabriel", "Gabrielle"), ("Robert", "Roberta"), ("Carl", "Carla")),
}  # fmt: skip

HONORIFICS: dict[str, tuple[str, ...]] = {
    "pt": ("Dr.", "Sr.", "Sra.", "Dra.", "Prof."),
    "fr": ("M.", "Mme", "Dr", "Me"),
    "es": ("Sr.", "Sra.", "D.", "Dña.", "Dr."),
    "en": ("Mr", "Mrs", "Ms", "Dr.", "Prof."),
}
EMOJI = ("🚀", "✨", "🙂", "🔥")
#: What people type when they do not want to say their name: (first, last).
PLACEHOLDER_NAMES = (("test", "test"), ("n/a", "n/a"), ("asdf", "asdf"), ("-", "-"), ("xxx", "xxx"), ("unknown", None))
PLACEHOLDER_COMPANIES = ("n/a", "-", "none", "N/A", "test", "xxx")

SPELLINGS = 4

_NEIGHBOURS = {
    "a": "sq", "b": "vn", "c": "xv", "d": "sf", "e": "rw", "f": "dg", "g": "fh", "h": "gj", "i": "uo", "j": "hk",
    "k": "jl", "l": "k", "m": "n", "n": "mb", "o": "ip", "p": "o", "q": "wa", "r": "et", "s": "ad", "t": "ry",
    "u": "yi", "v": "cb", "w": "qe", "x": "zc", "y": "tu", "z": "x",
}  # fmt: skip
_SOUNDS = (
    ("ph", "f"), ("th", "t"), ("ss", "s"), ("ll", "l"), ("nn", "n"), ("tt", "t"), ("ck", "k"), ("qu", "k"),
    ("ç", "ss"), ("ch", "sh"), ("z", "s"), ("x", "s"), ("y", "i"), ("v", "w"), ("ei", "ey"), ("ou", "u"),
    ("i", "y"), ("c", "k"), ("s", "z"), ("t", "th"),
)  # fmt: skip


def plain(name: str) -> str:
    """A name in lower-case letters without accents, spaces or marks."""
    letters = unicodedata.normalize("NFKD", name.lower())
    return "".join(letter for letter in letters if letter.isalnum() and letter.isascii())


def misspellings(name: str, taken: set[str], rng: np.random.Generator) -> list[str]:
    """:data:`SPELLINGS` wrong ways to write a name, one slip each: neighbour key, swapped letters, sound, accent.

    None of them is, in plain letters, a name of ``taken``; the fourth may differ from ``name`` by accents alone.
    """
    keyboard = _first_free((_neighbour(name, rng) for _ in range(8)), name, taken)
    swapped = _first_free((_swapped(name, rng) for _ in range(6)), name, taken) or keyboard
    sound = _first_free((_sounding(name, pair) for pair in _SOUNDS), name, taken) or keyboard
    bare = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    accent = bare if bare != name else _first_free((_doubled(name, rng) for _ in range(6)), name, taken) or keyboard
    return [keyboard or name + "h", swapped or name + "h", sound or name + "h", accent or name + "h"]


def _first_free(candidates: Iterable[str], name: str, taken: set[str]) -> str | None:
    """The first candidate that is neither the name nor, in plain letters, any name of ``taken``."""
    for candidate in candidates:
        if candidate != name and plain(candidate) not in taken:
            return candidate
    return None


def _inner(name: str, rng: np.random.Generator) -> int:
    """A position that is not the first letter of a word, in the longest word."""
    word = max(name.split(), key=len)
    start = name.index(word)
    return start + 1 + int(rng.integers(0, max(len(word) - 1, 1)))


def _neighbour(name: str, rng: np.random.Generator) -> str:
    at = min(_inner(name, rng), len(name) - 1)
    keys = _NEIGHBOURS.get(plain(name[at])[:1], "n")
    return name[:at] + keys[int(rng.integers(0, len(keys)))] + name[at + 1 :]


def _swapped(name: str, rng: np.random.Generator) -> str:
    at = _inner(name, rng)
    if at + 1 >= len(name) or not (name[at].isalpha() and name[at + 1].isalpha()):
        return name
    return name[:at] + name[at + 1] + name[at] + name[at + 2 :]


def _sounding(name: str, pair: tuple[str, str]) -> str:
    at = name.find(pair[0], 1)
    return name if at < 0 else name[:at] + pair[1] + name[at + len(pair[0]) :]


def _doubled(name: str, rng: np.random.Generator) -> str:
    at = min(_inner(name, rng), len(name) - 1)
    return name[:at] + name[at] + name[at:] if name[at].isalpha() else name
