-- Where the documents of two funds give one security different sectors on one date.
with labels as (
    select
        security_id,
        as_of,
        fund,
        labelled_sector,
        max(document_id) as document_id
    from {{ ref('int_security_lines') }}
    where labelled_sector is not null
    group by security_id, as_of, fund, labelled_sector
),

disputed as (
    select
        security_id,
        as_of
    from labels
    group by security_id, as_of
    having min(labelled_sector) <> max(labelled_sector)
)

select
    labels.security_id,
    labels.as_of,
    labels.fund,
    labels.labelled_sector as gics_sector,
    sectors.gics_sector as master_sector,
    sectors.resolved_by as master_resolved_by,
    labels.document_id
from labels
inner join disputed on labels.security_id = disputed.security_id and labels.as_of = disputed.as_of
left join {{ ref('security_master') }} as sectors on labels.security_id = sectors.security_id
order by labels.security_id, labels.as_of, labels.fund, labels.labelled_sector
