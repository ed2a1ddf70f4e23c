{{
    config(
        materialized='incremental',
        incremental_strategy='replace_runs',
        on_schema_change='fail'
    )
}}

-- depends_on: {{ ref('int_passes__in_scope') }} (read by replace_runs)

with

accounts as (

    select
        pass_id,
        billing_account_id,
        payer_customer_id as customer_id,
        legal_entity_id,
        tax_jurisdiction,
        landing_watermark,
        issue_date
    from {{ ref('int_accounts__in_scope') }}

),

charges as (

    select
        pass_id,
        billing_account_id,
        tax_category,
        tax_point_date
    from {{ ref('int_charges__combined') }}

),

customers as (

    select
        pass_id,
        customer_id,
        customer_type,
        country_code,
        vat_number
    from {{ ref('int_customers__in_scope') }}

),

legal_entities as (

    select
        legal_entity_id,
        country_code,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('legal_entities') }}

),

countries as (

    select
        country_code,
        is_european_union
    from {{ ref('countries') }}

),

jurisdictions as (

    select * from {{ ref('int_tax_jurisdictions__levying') }}

),

tax_rates as (

    select
        tax_rate_id,
        jurisdiction,
        tax_type,
        tax_category,
        einvoice_category,
        rate,
        compound_order,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('tax_rates') }}

),

exemptions as (

    select
        exemption_id,
        customer_id,
        tax_jurisdiction,
        tax_type,
        reason,
        landing_sequence,
        superseded_sequence,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('stg_landing__tax_exemptions') }}

),

taxed as (

    select distinct
        charges.pass_id,
        charges.billing_account_id,
        charges.tax_category,
        charges.tax_point_date
    from charges
    inner join accounts
        on
            charges.pass_id = accounts.pass_id
            and charges.billing_account_id = accounts.billing_account_id

),

-- The buyer is who pays. Directive 2006/112/EC art. 196: an organisation with a VAT number of
-- another member state owes the tax itself. Greece's numbers begin with EL.
reversed as (

    select
        accounts.pass_id,
        accounts.billing_account_id
    from accounts
    inner join customers
        on accounts.pass_id = customers.pass_id and accounts.customer_id = customers.customer_id
    inner join legal_entities
        on
            accounts.legal_entity_id = legal_entities.legal_entity_id
            and accounts.issue_date >= legal_entities.valid_from
            and accounts.issue_date < legal_entities.valid_to
    inner join countries as buyer_countries
        on customers.country_code = buyer_countries.country_code
    inner join countries as seller_countries
        on legal_entities.country_code = seller_countries.country_code
    where
        customers.customer_type = 'organisation'
        and customers.country_code <> legal_entities.country_code
        and buyer_countries.is_european_union
        and seller_countries.is_european_union
        and substr(customers.vat_number, 1, 2)
        = case customers.country_code when 'GR' then 'EL' else customers.country_code end

),

treated as (

    select
        taxed.pass_id,
        taxed.billing_account_id,
        accounts.customer_id,
        accounts.landing_watermark,
        accounts.tax_jurisdiction,
        taxed.tax_category as priced_tax_category,
        taxed.tax_point_date,
        reversed.billing_account_id is not null as is_reversed
    from taxed
    inner join accounts
        on
            taxed.pass_id = accounts.pass_id
            and taxed.billing_account_id = accounts.billing_account_id
    left join reversed
        on
            taxed.pass_id = reversed.pass_id
            and taxed.billing_account_id = reversed.billing_account_id

),

-- A place that is no row of `tax_jurisdictions` levies what `tax_rates` says of it alone.
levied as (

    select
        treated.pass_id,
        treated.billing_account_id,
        treated.customer_id,
        treated.landing_watermark,
        treated.priced_tax_category,
        treated.tax_point_date,
        tax_rates.jurisdiction,
        tax_rates.tax_type,
        tax_rates.tax_rate_id,
        treated.is_reversed and tax_rates.tax_type = 'vat' and tax_rates.rate > 0 as is_reversed,
        tax_rates.einvoice_category,
        tax_rates.rate,
        tax_rates.compound_order
    from treated
    left join jurisdictions on treated.tax_jurisdiction = jurisdictions.tax_jurisdiction
    inner join tax_rates
        on
            coalesce(jurisdictions.levying_jurisdiction, treated.tax_jurisdiction)
            = tax_rates.jurisdiction
            and treated.priced_tax_category = tax_rates.tax_category
            and treated.tax_point_date >= tax_rates.valid_from
            and treated.tax_point_date < tax_rates.valid_to

),

-- The newest certificate that covers the tax on the tax point, of what the pass knows.
exempted as (

    select
        levied.pass_id,
        levied.billing_account_id,
        levied.priced_tax_category,
        levied.tax_point_date,
        levied.tax_rate_id,
        max_by(exemptions.exemption_id, exemptions.valid_from) as exemption_id,
        max_by(exemptions.reason, exemptions.valid_from) as exemption_reason
    from levied
    inner join exemptions
        on
            levied.customer_id = exemptions.customer_id
            and (exemptions.tax_jurisdiction in (levied.jurisdiction, '*'))
            and (exemptions.tax_type in (levied.tax_type, '*'))
            and levied.tax_point_date >= exemptions.valid_from
            and levied.tax_point_date < exemptions.valid_to
            and exemptions.landing_sequence <= levied.landing_watermark
            and coalesce(exemptions.superseded_sequence, levied.landing_watermark + 1)
            > levied.landing_watermark
    where levied.rate > 0 and not levied.is_reversed
    group by
        levied.pass_id,
        levied.billing_account_id,
        levied.priced_tax_category,
        levied.tax_point_date,
        levied.tax_rate_id

),

relief as (

    select
        levied.pass_id,
        levied.billing_account_id,
        levied.priced_tax_category,
        levied.tax_point_date,
        levied.jurisdiction,
        levied.tax_type,
        levied.tax_rate_id,
        levied.einvoice_category,
        levied.is_reversed,
        exempted.exemption_id,
        case
            when levied.is_reversed then 'reverse charge'
            else exempted.exemption_reason
        end as exemption_reason,
        levied.rate > 0 as is_taxing,
        case
            when levied.is_reversed or exempted.exemption_id is not null
                then cast(0 as decimal(9, 6))
            else levied.rate
        end as rate,
        levied.compound_order
    from levied
    left join exempted
        on
            levied.pass_id = exempted.pass_id
            and levied.billing_account_id = exempted.billing_account_id
            and levied.priced_tax_category = exempted.priced_tax_category
            and levied.tax_point_date = exempted.tax_point_date
            and levied.tax_rate_id = exempted.tax_rate_id

),

relieved as (

    select
        relief.*,
        case when relief.rate > 0 then 1 else 0 end as remaining_count,
        case when relief.is_taxing then 1 else 0 end as taxing_count,
        case when relief.is_reversed then 1 else 0 end as reversed_count,
        case when relief.compound_order = 0 then relief.rate else 0 end as order_0_rate,
        case when relief.compound_order = 1 then relief.rate else 0 end as order_1_rate
    from relief

),

-- A line of which every tax is relieved changes its category: AE where it is reversed, else E.
categorised as (

    select
        relieved.*,
        case
            when
                max(relieved.remaining_count) over of_line = 1
                or max(relieved.taxing_count) over of_line = 0
                then relieved.priced_tax_category
            when max(relieved.reversed_count) over of_line = 1 then 'AE'
            else 'E'
        end as tax_category,
        cast(1 + sum(relieved.order_0_rate) over of_line as decimal(9, 6)) as with_order_0,
        cast(1 + sum(relieved.order_1_rate) over of_line as decimal(9, 6)) as with_order_1
    from relieved
    window
        of_line as (
            partition by
                relieved.pass_id, relieved.billing_account_id, relieved.priced_tax_category,
                relieved.tax_point_date
        )

),

-- A compound tax is on the price and the taxes of lower orders.
compounded as (

    select
        pass_id,
        billing_account_id,
        priced_tax_category,
        tax_point_date,
        jurisdiction as tax_jurisdiction,
        tax_type,
        tax_category,
        case when tax_category = priced_tax_category then einvoice_category else tax_category end
            as einvoice_category,
        tax_rate_id,
        rate as tax_rate,
        case compound_order
            when 0 then cast(1 as decimal(18, 6))
            when 1 then cast(with_order_0 as decimal(18, 6))
            else {{ share_of('with_order_0', 'with_order_1', 1) }}
        end as base_factor,
        exemption_id,
        exemption_reason
    from categorised

)

select * from compounded
