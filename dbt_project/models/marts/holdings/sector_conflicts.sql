-- Where documents of the same date give one security different sectors.
with disputed as (
    select
        security_id,
        as_of
    from {{ ref('int_security_lines') }}
    where labelled_sector is not null
    group by security_id, as_of
    having min(labelled_sector) <> max(labelled_sector)
),

labels as (
    select
        lines.security_id,
        lines.as_of,
        lines.fund,
        lines.labelled_sector,
        max(lines.document_id) as document_id
    from {{ ref('int_security_lines') }} as lines
    inner join disputed on lines.security_id = disputed.security_id and lines.as_of = disputed.as_of
    where lines.labelled_sector is not null
    group by lines.security_id, lines.as_of, lines.fund, lines.labelled_sector
)

select
    labels.security_id,
    labels.as_of,
    labels.fund,
    labels.labelled_sector as gics_sector,
    sectors.gics_sector as master_sector,
    sectors.resolved_by as master_resolved_by,
    labels.document_id,
    {{ params_id() }} as params_id
from labels
left join {{ ref('security_master') }} as sectors on labels.security_id = sectors.security_id
