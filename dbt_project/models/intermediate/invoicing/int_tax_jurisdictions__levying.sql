with

jurisdictions as (

    select
        tax_jurisdiction,
        parent_jurisdiction
    from {{ ref('tax_jurisdictions') }}

),

-- A place pays its own taxes, its country's, and those of what lies between: three steps at most.
levying as (

    select
        tax_jurisdiction,
        tax_jurisdiction as levying_jurisdiction
    from jurisdictions
    union distinct
    select
        tax_jurisdiction,
        parent_jurisdiction as levying_jurisdiction
    from jurisdictions
    where parent_jurisdiction is not null
    union distinct
    select
        jurisdictions.tax_jurisdiction,
        parents.parent_jurisdiction as levying_jurisdiction
    from jurisdictions
    inner join jurisdictions as parents
        on jurisdictions.parent_jurisdiction = parents.tax_jurisdiction
    where parents.parent_jurisdiction is not null
    union distinct
    select
        jurisdictions.tax_jurisdiction,
        grandparents.parent_jurisdiction as levying_jurisdiction
    from jurisdictions
    inner join jurisdictions as parents
        on jurisdictions.parent_jurisdiction = parents.tax_jurisdiction
    inner join jurisdictions as grandparents
        on parents.parent_jurisdiction = grandparents.tax_jurisdiction
    where grandparents.parent_jurisdiction is not null

)

select * from levying
