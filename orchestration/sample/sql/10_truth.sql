-- What a test may hold the warehouse to.
create view export_offences as
select
    billing_account_id,
    case part
        when 'roaming_without_option' then 'plan_mismatch'
        when 'very_large_total' then 'total_out_of_range'
        when 'negative_total' then 'total_out_of_range'
        else part
    end as offence,
    case
        when part = 'usage_spike' and part_number <= 2 then '2000 SMS abroad'
        when part = 'usage_spike' and part_number <= 4 then '22 GB of data above the allowance'
        when part = 'usage_spike' then '350 MB of data in a network outside the EU'
        when part = 'zero_usage' then 'an active subscription without a record'
        when part = 'roaming_without_option' then '12 roaming records, no roaming option'
        when part = 'very_large_total' then '2.5 GB of data outside the EU; a spike as well'
        when part = 'negative_total' then 'a credit of 600.00'
        when part = 'unknown_plan' then 'plan flat_xxl is not in the tariff'
    end as note,
from subscribers
where part not in ('none', 'new', 'plan_change', 'termination', 'newcomer')
order by offence, billing_account_id;

create view export_oracle as
with prices as (
    select *
    from (values
        ('day', 1, 0.170), ('evening', 2, 0.085), ('night', 3, 0.045), ('international', 4, 0.270)
    ) as prices (band, band_order, price)
)

select
    subscribers.subscription_id,
    base_bands.band,
    base_bands.call_count,
    base_bands.units * 6 as duration_seconds,
    base_bands.charge,
    cast(base_bands.minutes * prices.price as decimal(14, 4)) as exact_charge,
from subscribers
join base_bands
    on subscribers.base_row = base_bands.base_row
join prices
    on base_bands.band = prices.band
order by subscribers.subscription_id, prices.band_order;
