-- The fee of a contract needs its name on the invoice.
select
    'contract_terms' as seed,
    csv_line,
    'there is no charge code early_termination of type one_off to charge its fee under' as message
from contract_terms
where
    not exists (
        select 1
        from charge_codes
        where
            charge_codes.charge_code = 'early_termination'
            and charge_codes.charge_type = 'one_off'
    )
