"""Every file that the inbox takes, declared once: decoder, empty Parquet and docs follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from orchestration.collect.kinds import (
    AMOUNT,
    BOOLEAN,
    CHARGE_ID,
    CODE,
    COUNT,
    COUNTRY,
    CURRENCY,
    DATE,
    DIALLED,
    EMAIL,
    IMSI,
    INSTANT,
    LANGUAGE,
    MEASURED,
    MSISDN,
    NETWORK,
    POSITIVE_AMOUNT,
    RATE,
    SIGNED_COUNT,
    TEXT,
    TIME_ZONE,
    Kind,
    one_of,
)


@dataclass(frozen=True)
class Column:
    """One column of an inbox file, and of the landing file made of it.

    `offset_column` keeps an instant's UTC offset in minutes beside it. A rule's name ends in
    `subject`: the column without its unit, as in `negative_duration`. `is_extension`: a file may
    come without the column; then it is empty in every record.
    """

    name: str
    kind: Kind
    is_required: bool = True
    offset_column: str = ""
    is_extension: bool = False

    @property
    def subject(self) -> str:
        return self.name.removesuffix("_seconds").removesuffix("_bytes")


@dataclass(frozen=True)
class RecordRule:
    """A rule over several columns: `broken_when` is SQL over typed columns written `{column}`."""

    rule: str
    broken_when: str
    reason: str


@dataclass(frozen=True)
class Entity:
    """One inbox folder: its columns in header order, its key, and rules over whole records.

    For equal keys the file that was received last wins. An event (`is_event`) is never replaced:
    it has an `event_id`, the same for a record that is sent again with the same values, however
    they are spelled; other values under a known key wait in suspense. `extensions` are the names of
    those extension columns that the file at hand has; none of them is in the entity as declared.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    rules: tuple[RecordRule, ...] = ()
    is_event: bool = False
    extensions: tuple[str, ...] = ()

    @property
    def header(self) -> tuple[str, ...]:
        return tuple(
            column.name
            for column in self.columns
            if not column.is_extension or column.name in self.extensions
        )

    def as_delivered(self, header: Sequence[str]) -> Entity:
        """Return the entity with the extension columns that a file's header names."""
        named = tuple(column.name for column in self.columns if column.is_extension)
        return replace(self, extensions=tuple(name for name in named if name in header))


@dataclass(frozen=True)
class LandingTable:
    """A folder of landing: its columns as (name, SQL type) and what its subfolders are named by."""

    name: str
    columns: tuple[tuple[str, str], ...]
    partition: str = "arrival_date"

    @property
    def empty_path(self) -> str:
        """Path of the zero-row Parquet, relative to landing."""
        none = "1970-01-01" if self.partition == "arrival_date" else "none"
        return f"{self.name}/{self.partition}={none}/empty.parquet"


def _ends_before_start(start: str, end: str, rule: str = "empty_validity") -> RecordRule:
    return RecordRule(
        rule, f"{{{end}}} <= {{{start}}}", f"{end} {{{end}}} is not after {start} {{{start}}}"
    )


def _ended_earlier(start: str, end: str) -> RecordRule:
    return RecordRule(
        f"{end}_before_{start}",
        f"{{{end}}} < {{{start}}}",
        f"{end} {{{end}}} is before {start} {{{start}}}",
    )


def _optional(name: str, kind: Kind) -> Column:
    return Column(name, kind, is_required=False)


def _extension(name: str, kind: Kind) -> Column:
    return Column(name, kind, is_required=False, is_extension=True)


def _only_corrected_down(column: str) -> RecordRule:
    subject = Column(column, COUNT).subject
    return RecordRule(
        f"negative_{subject}",
        f"{{{column}}} < 0 and coalesce({{record_type}}, 'usage') <> 'correction'",
        f"{column} is {{{column}}}",
    )


_WHOSE_PRICE = RecordRule(
    "whose_price",
    "({billing_account_id} is null) = ({subscription_id} is null)",
    "name an account or a subscription, one of the two",
)

INBOX_ENTITIES: tuple[Entity, ...] = (
    Entity(
        "customers",
        "Who the contract is with. The row applies until the customer's next `valid_from`.",
        (
            Column("customer_id", CODE),
            Column("customer_type", one_of("person", "organisation")),
            Column("customer_name", TEXT),
            _optional("email", EMAIL),
            Column("street", TEXT),
            Column("postal_code", TEXT),
            Column("city", TEXT),
            Column("country_code", COUNTRY),
            _optional("vat_number", CODE),
            Column("valid_from", DATE),
        ),
        ("customer_id", "valid_from"),
    ),
    Entity(
        "billing_accounts",
        "Who pays, when and how. The row applies until the account's next `valid_from`.",
        (
            Column("billing_account_id", CODE),
            Column("customer_id", CODE),
            Column("legal_entity_id", CODE),
            Column("bill_cycle_id", CODE),
            Column("currency_code", CURRENCY),
            Column("time_zone", TIME_ZONE),
            Column("language", LANGUAGE),
            Column("delivery_channel", one_of("email", "post")),
            _optional("sales_region", TEXT),
            Column("opened_date", DATE),
            _optional("closed_date", DATE),
            Column("valid_from", DATE),
            _extension("tax_jurisdiction", CODE),
            _extension("parent_account_id", CODE),
        ),
        ("billing_account_id", "valid_from"),
        (_ended_earlier("opened_date", "closed_date"),),
    ),
    Entity(
        "subscriptions",
        "What an account pays for. The row applies until the subscription's next `valid_from`.",
        (
            Column("subscription_id", CODE),
            Column("billing_account_id", CODE),
            Column("activated_date", DATE),
            _optional("terminated_date", DATE),
            Column("valid_from", DATE),
        ),
        ("subscription_id", "valid_from"),
        (_ended_earlier("activated_date", "terminated_date"),),
    ),
    Entity(
        "subscription_plans",
        "Plan and options of a subscription; `valid_to` is the first day without it. Where the"
        " instants are given they count, and the days are theirs where the account is.",
        (
            Column("subscription_id", CODE),
            Column("plan_id", CODE),
            Column("valid_from", DATE),
            _optional("valid_to", DATE),
            _extension("started_at", INSTANT),
            _extension("ended_at", INSTANT),
        ),
        ("subscription_id", "plan_id", "valid_from"),
        (
            _ends_before_start("valid_from", "valid_to"),
            _ends_before_start("started_at", "ended_at", "empty_stay"),
        ),
    ),
    Entity(
        "subscription_identifiers",
        "Which number or IMSI a subscription held; `valid_to` is the first instant without it."
        " Usage is guided by either.",
        (
            Column("subscription_id", CODE),
            Column("identifier_type", one_of("msisdn", "imsi")),
            Column("identifier", MSISDN),
            Column("valid_from", INSTANT),
            _optional("valid_to", INSTANT),
        ),
        ("subscription_id", "identifier_type", "identifier", "valid_from"),
        (_ends_before_start("valid_from", "valid_to"),),
    ),
    Entity(
        "subscription_statuses",
        "When a subscription was suspended and resumed; the row applies until the next one.",
        (
            Column("subscription_id", CODE),
            Column("status", one_of("active", "suspended")),
            Column("valid_from", DATE),
        ),
        ("subscription_id", "valid_from"),
    ),
    Entity(
        "subscription_contracts",
        "Minimum terms that subscriptions agreed to; from `cancelled_date` on one binds no more.",
        (
            Column("contract_id", CODE),
            Column("subscription_id", CODE),
            Column("contract_term_id", CODE),
            Column("started_date", DATE),
            _optional("cancelled_date", DATE),
        ),
        ("contract_id",),
    ),
    Entity(
        "price_overrides",
        "Prices of recurring charges agreed with an account, or for one subscription, instead of"
        " the tariff's: of the charge code, on one plan or on any; `valid_to` is the first day"
        " without it.",
        (
            Column("price_override_id", CODE),
            _optional("billing_account_id", CODE),
            _optional("subscription_id", CODE),
            _optional("plan_id", CODE),
            Column("charge_code", CODE),
            Column("amount", RATE),
            Column("currency_code", CURRENCY),
            Column("valid_from", DATE),
            _optional("valid_to", DATE),
        ),
        ("price_override_id",),
        (
            _WHOSE_PRICE,
            _ends_before_start("valid_from", "valid_to"),
        ),
    ),
    Entity(
        "rate_plan_overrides",
        "Usage prices agreed with an account, or for one subscription: whatever plan it has, its"
        " usage is priced as on the plan that is named here; `valid_to` is the first day without"
        " it.",
        (
            Column("rate_plan_override_id", CODE),
            _optional("billing_account_id", CODE),
            _optional("subscription_id", CODE),
            Column("plan_id", CODE),
            Column("valid_from", DATE),
            _optional("valid_to", DATE),
        ),
        ("rate_plan_override_id",),
        (_WHOSE_PRICE, _ends_before_start("valid_from", "valid_to")),
    ),
    Entity(
        "deposits",
        "Security that a customer paid; what is left of it is returned with the final bill.",
        (
            Column("deposit_id", CODE),
            Column("billing_account_id", CODE),
            Column("amount", POSITIVE_AMOUNT),
            Column("currency_code", CURRENCY),
            Column("paid_date", DATE),
        ),
        ("deposit_id",),
    ),
    Entity(
        "ported_numbers",
        "Which network a number was ported to; `network` is empty when it went back to the range's"
        " own. The row applies until the number's next `ported_at`.",
        (
            Column("number", DIALLED),
            _optional("network", NETWORK),
            Column("ported_at", INSTANT),
        ),
        ("number", "ported_at"),
    ),
    Entity(
        "one_off_charges",
        "Single charges of a subscription, without tax; a negative amount is a credit, and may name"
        " the charge that it corrects.",
        (
            Column("one_off_charge_id", CODE),
            Column("subscription_id", CODE),
            Column("description", TEXT),
            Column("amount", AMOUNT),
            Column("currency_code", CURRENCY),
            Column("charged_date", DATE),
            Column("tax_category", CODE),
            _extension("corrected_charge_id", CHARGE_ID),
            _extension("charge_code", CODE),
        ),
        ("one_off_charge_id",),
        (
            RecordRule(
                "correcting_charge",
                "{corrected_charge_id} is not null and {amount} >= 0",
                "corrected_charge_id is given, but amount {amount} credits nothing",
            ),
        ),
    ),
    Entity(
        "coupon_redemptions",
        "Coupons of the tariff that an account redeemed; they reduce its invoices in this order.",
        (
            Column("redemption_id", CODE),
            Column("coupon_id", CODE),
            Column("billing_account_id", CODE),
            Column("redeemed_date", DATE),
            _optional("ended_date", DATE),
        ),
        ("redemption_id",),
        (_ended_earlier("redeemed_date", "ended_date"),),
    ),
    Entity(
        "tax_exemptions",
        "Certificates that exempt a customer from taxes; `*` as jurisdiction or tax type is any.",
        (
            Column("exemption_id", CODE),
            Column("customer_id", CODE),
            Column("tax_jurisdiction", TEXT),
            Column("tax_type", TEXT),
            Column("reason", TEXT),
            Column("valid_from", DATE),
            _optional("valid_to", DATE),
        ),
        ("exemption_id",),
        (_ends_before_start("valid_from", "valid_to"),),
    ),
    Entity(
        "payments",
        "Money received, matched by invoice number.",
        (
            Column("payment_id", CODE),
            Column("paid_date", DATE),
            Column("amount", POSITIVE_AMOUNT),
            Column("currency_code", CURRENCY),
            Column("invoice_number", CODE),
            _optional("payer_name", TEXT),
        ),
        ("payment_id",),
    ),
    Entity(
        "opening_charged_through",
        "Recurring charges billed before Tollhouse; `charged_through` is the first day not billed.",
        (
            Column("subscription_id", CODE),
            Column("plan_id", CODE),
            Column("charged_through", DATE),
        ),
        ("subscription_id", "plan_id"),
    ),
    Entity(
        "opening_allowances",
        "Allowances in use before Tollhouse: what was granted and drawn. `pool_id` is the"
        " subscription, or the account where the allowance is shared.",
        (
            Column("pool_id", CODE),
            Column("allowance_id", CODE),
            Column("granted_from", DATE),
            Column("granted_quantity", COUNT),
            Column("drawn_quantity", COUNT),
        ),
        ("pool_id", "allowance_id", "granted_from"),
        (
            RecordRule(
                "overdrawn",
                "{drawn_quantity} > {granted_quantity}",
                "drawn_quantity {drawn_quantity} is more than was granted",
            ),
        ),
    ),
    Entity(
        "opening_charges",
        "Recurring charges billed before Tollhouse whose unused time may be given back; what was"
        " credited already is said without a sign.",
        (
            Column("opening_charge_id", CODE),
            Column("subscription_id", CODE),
            Column("plan_id", CODE),
            Column("charge_code", CODE),
            Column("amount", POSITIVE_AMOUNT),
            Column("credited_amount", AMOUNT),
            Column("currency_code", CURRENCY),
            Column("tax_category", CODE),
            Column("period_start", DATE),
            Column("period_end", DATE),
        ),
        ("opening_charge_id",),
        (
            _ends_before_start("period_start", "period_end", "empty_period"),
            RecordRule(
                "negative_credited_amount",
                "{credited_amount} < 0",
                "credited_amount is {credited_amount}: write it without a sign",
            ),
        ),
    ),
    Entity(
        "opening_tier_counters",
        "Use of a period that was billed by tiers before Tollhouse, up to some day in it.",
        (
            Column("subscription_id", CODE),
            Column("price_tier_set_id", CODE),
            Column("period_start", DATE),
            Column("units", COUNT),
            Column("event_count", COUNT),
            Column("largest_units", COUNT),
            Column("billed_amount", AMOUNT),
        ),
        ("subscription_id", "price_tier_set_id", "period_start"),
    ),
    Entity(
        "opening_bills",
        "Bills sent before Tollhouse; `period_end` is the first day after the period.",
        (
            Column("billing_account_id", CODE),
            Column("bill_date", DATE),
            Column("period_start", DATE),
            Column("period_end", DATE),
            Column("usage_amount", AMOUNT),
            Column("total_amount", AMOUNT),
            Column("currency_code", CURRENCY),
        ),
        ("billing_account_id", "bill_date"),
        (_ends_before_start("period_start", "period_end", "empty_period"),),
    ),
    Entity(
        "opening_rule_use",
        "What promotions, caps, commitments and redeemed coupons had measured and taken before "
        "Tollhouse, without tax. `rule_id` is the tariff row, for a coupon the redemption, whose "
        "`period_start` may be any day.",
        (
            Column("rule_type", one_of("promotion", "cap", "minimum", "coupon")),
            Column("rule_id", CODE),
            Column("billing_account_id", CODE),
            _optional("subscription_id", CODE),
            Column("period_start", DATE),
            Column("measured_amount", AMOUNT),
            Column("taken_amount", AMOUNT),
            Column("invoice_count", COUNT),
        ),
        ("rule_type", "rule_id", "billing_account_id", "subscription_id", "period_start"),
    ),
    Entity(
        "usage",
        "Calls, messages, data sessions and content as the network recorded them. A `record_id` is"
        " never used for another record: one that comes again with other values waits in suspense."
        " A `correction` is a record of its own, whose quantities may be negative. `quantity`"
        " counts messages or items (empty: 1), `amount` is what content costs without tax,"
        " `is_first_segment` is false for the later parts of one call, `node` is the network"
        " element that recorded it. Records of one session or call that is told in several name it"
        " (`session_id`): by parts without gaps (`session_part`), or each with what the session has"
        " come to so far (`is_session_total`).",
        (
            Column("record_id", CODE),
            Column("service", one_of("voice", "sms", "mms", "data", "content")),
            Column("direction", one_of("outgoing", "incoming")),
            Column("identifier", MSISDN),
            _optional("other_number", DIALLED),
            Column("started_at", INSTANT, offset_column="utc_offset_minutes"),
            Column("duration_seconds", SIGNED_COUNT),
            Column("volume_bytes", SIGNED_COUNT),
            Column("serving_network", NETWORK),
            _extension("record_type", one_of("usage", "correction")),
            _extension("is_first_segment", BOOLEAN),
            _extension("rating_group", CODE),
            _extension("quantity", SIGNED_COUNT),
            _extension("amount", AMOUNT),
            _extension("currency_code", CURRENCY),
            _extension("node", CODE),
            _extension("session_id", CODE),
            _extension("session_part", COUNT),
            _extension("is_session_total", BOOLEAN),
        ),
        ("record_id",),
        (
            _only_corrected_down("duration_seconds"),
            _only_corrected_down("volume_bytes"),
            _only_corrected_down("quantity"),
            _only_corrected_down("amount"),
            RecordRule(
                "missing_currency_code",
                "{amount} is not null and {currency_code} is null",
                "currency_code is empty, but amount is {amount}",
            ),
            RecordRule(
                "missing_other_number",
                "{other_number} is null and {direction} = 'outgoing'"
                " and {service} not in ('data', 'content')",
                "other_number is empty, but {service} went to some number",
            ),
            RecordRule(
                "unexpected_other_number",
                "{other_number} is not null and {service} = 'data'",
                "other_number is {other_number}, but data has none",
            ),
            RecordRule(
                "missing_session_id",
                "{session_id} is null and ({session_part} is not null or {is_session_total})",
                "session_id is empty, but the record is one of several",
            ),
            RecordRule(
                "part_and_total",
                "{session_part} is not null and {is_session_total}",
                "session_part is {session_part}, but the record counts the whole session",
            ),
        ),
        is_event=True,
    ),
    Entity(
        "counters",
        "What network elements counted by themselves: one counter of one measured object in one"
        " period, as the control total of volumes (docs/collecting.md). `element` is the full"
        " name of the node; `quantity` is in the counter's own unit, empty where nothing was"
        " measured; `other_value` is what stands there that is no number.",
        (
            Column("node", CODE),
            Column("element", TEXT),
            _optional("measured_object", TEXT),
            Column("counter", CODE),
            Column("started_at", INSTANT),
            Column("period_seconds", COUNT),
            _optional("quantity", MEASURED),
            _optional("other_value", TEXT),
            Column("is_suspect", BOOLEAN),
        ),
        ("element", "measured_object", "counter", "started_at", "period_seconds"),
        (
            RecordRule(
                "empty_period",
                "{period_seconds} not between 1 and 604800",
                "period_seconds is {period_seconds}: it must be 1 to 604800",
            ),
        ),
    ),
    Entity(
        "roaming_reports",
        "Calls, messages and data abroad as partners report them within hours: they show a spike"
        " before the bill does, and are never billed, since they come again as usage."
        " `charge_units` is what the partner writes, in its own unit.",
        (
            Column("sender", CODE),
            Column("service", one_of("voice", "sms", "data")),
            Column("direction", one_of("outgoing", "incoming")),
            Column("imsi", IMSI),
            _optional("other_number", TEXT),
            Column("started_at", INSTANT, offset_column="utc_offset_minutes"),
            Column("duration_seconds", COUNT),
            Column("volume_bytes", COUNT),
            _optional("charge_units", COUNT),
            _optional("recording_entity", TEXT),
            _optional("call_reference", TEXT),
        ),
        ("sender", "imsi", "service", "direction", "started_at", "call_reference"),
    ),
)

ENTITY_BY_NAME = {entity.name: entity for entity in INBOX_ENTITIES}

MANIFEST = LandingTable(
    "manifest",
    (
        ("file_id", "varchar"),
        ("landing_sequence", "bigint"),
        ("entity", "varchar"),
        ("file_name", "varchar"),
        ("received_at", "timestamp"),
        ("arrival_date", "date"),
        ("file_sequence", "bigint"),
        ("size_bytes", "bigint"),
        ("status", "varchar"),
        ("reason", "varchar"),
        ("records_read", "bigint"),
        ("records_accepted", "bigint"),
        ("records_rejected", "bigint"),
        ("duration_seconds", "bigint"),
        ("volume_bytes", "bigint"),
        # From here on: empty in what was written before usage sources were; see MANIFEST_DEFAULTS.
        ("source_id", "varchar"),
        ("mapping_hash", "varchar"),
        ("records_filtered", "bigint"),
        ("rows_landed", "bigint"),
        ("node_id", "varchar"),
        ("records_declared", "bigint"),
        ("bytes_declared", "bigint"),
        ("records_lost", "bigint"),
        ("records_lost_are", "varchar"),
        ("opened_at", "timestamp"),
        ("closed_at", "timestamp"),
        ("audit_totals", "varchar"),
        ("is_test", "boolean"),
    ),
)

# What a manifest row means by an empty column that it was written without, as SQL.
MANIFEST_DEFAULTS = {
    "source_id": "coalesce(source_id, entity)",
    "records_filtered": "coalesce(records_filtered, 0)",
    "rows_landed": "coalesce(rows_landed, records_accepted)",
    "is_test": "coalesce(is_test, false)",
}

# `line_number` is where the record begins: its line, in a binary file its byte.
REJECTS = LandingTable(
    "rejects",
    (
        ("file_id", "varchar"),
        ("record_number", "bigint"),
        ("line_number", "bigint"),
        ("rule", "varchar"),
        ("reason", "varchar"),
        ("raw", "varchar"),
        ("raw_bytes", "blob"),
    ),
)

FILTERED = LandingTable(
    "filtered",
    (
        ("file_id", "varchar"),
        ("record_number", "bigint"),
        ("line_number", "bigint"),
        ("reason", "varchar"),
    ),
)

# Which accepted records make which row of usage, in files where one is not the other: a record of
# several parts makes several rows, the records of one call make one.
USAGE_LINKS = LandingTable(
    "usage_links",
    (
        ("file_id", "varchar"),
        ("record_number", "bigint"),
        ("usage_record_number", "bigint"),
    ),
)

# What lies in landing beside the records of an entity, of the same file and under its name.
BESIDE = (REJECTS, FILTERED, USAGE_LINKS)


def landing_table(entity: Entity) -> LandingTable:
    """Return the landing table that an entity's accepted records are written to."""
    columns = [("file_id", "varchar"), ("record_number", "bigint")]
    if entity.is_event:
        columns.append(("event_id", "varchar"))
    for column in entity.columns:
        columns.append((column.name, column.kind.sql_type))
        if column.offset_column:
            columns.append((column.offset_column, "integer"))
    return LandingTable(entity.name, tuple(columns))


def collected_tables() -> tuple[LandingTable, ...]:
    """Return every landing table that collecting writes."""
    return (*(landing_table(entity) for entity in INBOX_ENTITIES), MANIFEST, *BESIDE)


def describe_entities() -> str:
    """Return the inbox's formats as Markdown: one table per entity."""
    parts = []
    for entity in INBOX_ENTITIES:
        parts.append(f"### {entity.name}\n\n{entity.description}\n")
        parts.append("| column | required | value |\n|---|---|---|")
        for column in entity.columns:
            required = (
                "yes" if column.is_required else "column may be missing" * column.is_extension
            )
            parts.append(f"| {column.name} | {required} | {column.kind.description} |")
        again = "the first row stands" if entity.is_event else "the row received last wins"
        parts.append(f"\nKey: {', '.join(entity.key)}; {again}.\n")
    return "\n".join(parts)
