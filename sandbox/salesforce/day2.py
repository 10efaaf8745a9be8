"""The world's second day as changes of an org: what is new, edited, archived, merged, converted."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.common.world_files import DAY_MS
from sandbox.salesforce import mapping
from sandbox.salesforce.conversion import convert_lead, mark_converted, merge
from sandbox.salesforce.fields import Stored
from sandbox.salesforce.records import Actor, data_type, history_name, history_text
from sandbox.salesforce.setup import AUTOMATION_USER_ID, world_id
from sandbox.salesforce.storage import quoted, transaction
from sandbox.salesforce.world import Loader, Record, add_history, history_row, history_rows, load_owners, records
from sandbox.server.clock import iso
from sandbox.server.errors import SandboxError
from sandbox.server.storage import get_meta, set_meta

if TYPE_CHECKING:
    from sandbox.salesforce.org import Org

_AUTOMATION = Actor(AUTOMATION_USER_ID, system=True)


def apply_day2(org: Org) -> dict[str, Any]:
    """Bring in what the world's second day holds and move the org's clock to its end.

    Of a record that changed, only the fields that differ from the first day are written: what the API wrote since
    stays. Nothing is dated before the org's present. Returns ``{"applied", "as_of", "rows"}``; a second call changes
    nothing.

    Raises:
        SandboxError: the world has no second day, or a file of it cannot be used.
    """
    world = org.world
    if world is None:
        raise SandboxError("An org without a world has no second day")
    folder = world.root / "day2" / "hubspot"
    end = world.as_of_ms + DAY_MS
    if get_meta(org.db, "day2_at") is not None:
        return {"applied": False, "as_of": iso(end), "rows": {}}
    if not folder.is_dir():
        raise SandboxError(f"{folder}: does not exist; make the world again, it comes with a second day")
    with transaction(org.db):
        rows = _SecondDay(org, folder, world.root / "hubspot").run()
        set_meta(org.db, "day2_at", str(end))
    org.clock.move_to(end)
    return {"applied": True, "as_of": iso(end), "rows": {name: count for name, count in rows.items() if count}}


class _SecondDay(Loader):
    """Loads like the first day, where a record is new; else writes what changed."""

    def __init__(self, org: Org, folder: Path, first_folder: Path) -> None:
        super().__init__(org.db, org.schema, folder)
        self.whole = org
        self.first_folder = first_folder
        self.users |= load_owners(org.db, first_folder / "owners.parquet")
        self.present = org.clock.now_ms()
        self.logged: set[tuple[str, str, str]] = {
            (kind, number, name) for kind, number, name, _, _, _ in history_rows(folder / "property_history.parquet")
        }
        #: Values of history fields before today, of records that were there.
        self.before: dict[tuple[str, str, str], Stored] = {}

    def run(self) -> dict[str, int]:
        rows = {
            "companies": self.companies(),
            "contacts": self.contacts(),
            "deals": self.deals(),
        }
        for name, (table, prefix, convert) in mapping.ACTIVITIES.items():
            for record in records(self.folder / f"{name}.parquet"):
                self.activities(name, table, prefix, [(self.late(record), convert(record[4], record[2]))])
                rows[name] = rows.get(name, 0) + 1
        rows["property_history"] = self.changes()
        return rows

    def is_contact(self, number: str) -> bool:
        """Whether a person is, or becomes, a Contact."""
        return super().is_contact(number) or self.there("Contact", world_id("003", number))

    def there(self, table: str, record_id: str) -> bool:
        """Whether a record exists, live or in the bin."""
        found = self.db.execute(f"SELECT 1 FROM {quoted(table)} WHERE Id = ?", (record_id,))
        return found.fetchone() is not None

    def late(self, record: Record) -> Record:
        """A record that is not dated before the org's present."""
        number, created, updated, archived, properties = record
        return number, created, max(updated, self.present), archived and max(archived, self.present), properties

    def companies(self) -> int:
        first = self.first_day("companies")
        count = 0
        for record in records(self.folder / "companies.parquet"):
            count += 1
            values = mapping.account(record[4])
            if self.there("Account", world_id("001", record[0])):
                old = mapping.account(first.get(record[0], {}))
                self.change("companies", "Account", "001", record, old, values)
            else:
                self.add("Account", "001", [(self.late(record), values)])
        return count

    def contacts(self) -> int:
        first = self.first_day("contacts")
        count = 0
        for record in records(self.folder / "contacts.parquet"):
            count += 1
            number, properties = record[0], record[4]
            company = self.links.company_of.get(number)
            account_id = world_id("001", company) if company else None
            contact_id, lead_id = world_id("003", number), world_id("00Q", number)
            is_lead = self.there("Lead", lead_id) and not self.there("Contact", contact_id)
            if is_lead:
                old, new = mapping.lead(first.get(number, {})), mapping.lead(properties)
                self.change("contacts", "Lead", "00Q", record, old, new)
                if account_id is not None:
                    # Sales found the company: the Lead is converted.
                    self.as_contact(record, account_id, lead_id)
            elif self.there("Contact", contact_id):
                known = self.db.execute("SELECT AccountId FROM Contact WHERE Id = ?", (contact_id,)).fetchone()[0]
                old = mapping.contact(first.get(number, {}), known)
                new = mapping.contact(properties, account_id or known)
                self.change("contacts", "Contact", "003", record, old, new)
            elif self.is_contact(number):
                self.add("Contact", "003", [(self.late(record), mapping.contact(properties, account_id))])
            else:
                self.add("Lead", "00Q", [(self.late(record), mapping.lead(properties))])
            self.merges(record)
        return count

    def as_contact(self, record: Record, account_id: str, lead_id: str) -> None:
        values = mapping.contact(record[4], account_id)
        self.add("Contact", "003", [(self.late(record), values)])
        mark_converted(self.whole, lead_id, world_id("003", record[0]), account_id, None, _AUTOMATION)

    def merges(self, record: Record) -> None:
        """Records that were merged into this one since. A Lead is not merged into a Contact, but converted to it."""
        number, properties = record[0], record[4]
        prefix = "003" if self.there("Contact", world_id("003", number)) else "00Q"
        survivor = world_id(prefix, number)
        for loser in str(properties.get("hs_merged_object_ids") or "").split(";"):
            if not loser.isdigit():
                continue
            as_contact, as_lead = world_id("003", loser), world_id("00Q", loser)
            if self.live("Contact", as_contact) and prefix == "003":
                merge(self.whole, "Contact", survivor, [as_contact], _AUTOMATION)
            elif self.live("Lead", as_lead) and prefix == "00Q":
                merge(self.whole, "Lead", survivor, [as_lead], _AUTOMATION)
            elif self.live("Lead", as_lead):
                convert_lead(self.whole, as_lead, _AUTOMATION, contact_id=survivor)

    def live(self, table: str, record_id: str) -> bool:
        """Whether a record is live, and if a Lead, not converted."""
        converted = " AND IsConverted = 0" if table == "Lead" else ""
        found = self.db.execute(f"SELECT 1 FROM {table} WHERE Id = ? AND IsDeleted = 0{converted}", (record_id,))
        return found.fetchone() is not None

    def deals(self) -> int:
        first = self.first_day("deals")
        count = 0
        for record in records(self.folder / "deals.parquet"):
            count += 1
            record_id = world_id("006", record[0])
            row = self.db.execute("SELECT AccountId, ContactId FROM Opportunity WHERE Id = ?", (record_id,)).fetchone()
            if row is None:
                self.deal(self.late(record))
                continue
            old = mapping.opportunity(first.get(record[0], {}), record[1], self.stages, *row)
            new = mapping.opportunity(record[4], record[1], self.stages, *row)
            self.change("deals", "Opportunity", "006", record, old, new)
        return count

    def first_day(self, name: str) -> dict[str, mapping.Properties]:
        """Properties as the first day had them, of the records that the second day has too."""
        wanted = {record[0] for record in records(self.folder / f"{name}.parquet")}
        return {one[0]: one[4] for one in records(self.first_folder / f"{name}.parquet") if one[0] in wanted}

    def change(
        self, kind: str, table: str, prefix: str, record: Record, old: mapping.Values, new: mapping.Values
    ) -> None:
        """Write what differs from the first day, and put an archived record into the bin."""
        number, _, updated, archived, _ = record
        record_id = world_id(prefix, number)
        sobject = self.org.objects[table]
        changed = {name: value for name, value in new.items() if value != old.get(name)}
        names = [*changed, *(name for name in mapping.HISTORY_FIELDS.values() if name in sobject.fields)]
        columns = ", ".join(quoted(name) for name in dict.fromkeys(names)) or "Id"
        row = self.db.execute(f"SELECT {columns} FROM {quoted(table)} WHERE Id = ?", (record_id,)).fetchone()
        stored = dict(zip(dict.fromkeys(names), row, strict=False))
        stamp = max(updated, self.present)
        for property_name, field in mapping.HISTORY_FIELDS.items():
            if field in stored:
                self.before[(kind, number, property_name)] = stored[field]
        if changed:
            assigned = "".join(f"{quoted(name)} = ?, " for name in changed)
            self.db.execute(
                f"UPDATE {quoted(table)} SET {assigned}LastModifiedDate = ?, LastModifiedById = ?, SystemModstamp = ? "
                "WHERE Id = ?",
                (*changed.values(), stamp, new["OwnerId"], stamp, record_id),
            )
        told = {mapping.HISTORY_FIELDS[name] for one, at, name in self.logged if (one, at) == (kind, number)}
        rows = [
            (
                record_id,
                new["OwnerId"],
                stamp,
                history_name(name),
                data_type(sobject.fields[name].type),
                history_text(sobject.fields[name].type, stored[name]),
                history_text(sobject.fields[name].type, value),
            )
            for name, value in changed.items()
            if sobject.fields[name].tracked and name not in told
        ]
        add_history(self.fill, table, rows)
        if archived is not None:
            self.whole.records.discard(sobject, [record_id], _AUTOMATION)

    def changes(self) -> int:
        """The second day's own property history."""
        rows: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        last: tuple[str, str, str] | None = None
        old: Stored = None
        count = 0
        for kind, number, name, value, at, user in history_rows(self.folder / "property_history.parquet"):
            count += 1
            table = {"deals": "Opportunity", "companies": "Account"}.get(kind) or (
                "Contact" if self.there("Contact", world_id("003", number)) else "Lead"
            )
            key = (kind, number, name)
            before = old if key == last else self.before.get(key)
            last, old = key, value
            stamp = max(at, self.present)
            if name == "hubspot_owner_id" and key in self.before and before == self.before[key]:
                before = None
            rows[table].append(history_row(self, table, number, name, before, value, stamp, self.users.get(user)))
        for table, some in rows.items():
            add_history(self.fill, table, some)
        return count
