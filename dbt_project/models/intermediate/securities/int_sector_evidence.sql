-- The dates over which an issuer's own label gives the sector of a security: the latest label on or before a date, and before the
-- first label of an era that first label. A label says nothing about another era of the standard.
with labelled as (
    select
        *,
        known_by as resolved_by
    from {{ ref('int_security_lines') }}
    where labelled_sector is not null
),

-- Most securities keep one label as long as they are held: their first and last day are enough.
spans as (
    select
        labelled.security_id,
        labelled.resolved_by,
        eras.era,
        min(labelled.as_of) as first_as_of,
        max(labelled.as_of) as last_as_of,
        min(labelled.labelled_sector) <> max(labelled.labelled_sector) as has_several_labels
    from labelled
    inner join {{ ref('gics_eras') }} as eras on labelled.as_of between eras.first_day and eras.last_day
    group by labelled.security_id, labelled.resolved_by, eras.era
),

telling as (
    select
        labelled.*,
        spans.era
    from labelled
    inner join spans
        on labelled.security_id = spans.security_id and labelled.resolved_by = spans.resolved_by
        and labelled.as_of between spans.first_as_of and spans.last_as_of
    where spans.has_several_labels or labelled.as_of in (spans.first_as_of, spans.last_as_of)
),

chosen as (
    select
        *,
        row_number() over (partition by security_id, resolved_by, as_of order by fund, line_no) as choice
    from telling
),

dated as (
    select
        chosen.security_id,
        chosen.resolved_by,
        chosen.as_of,
        chosen.labelled_sector,
        chosen.document_id,
        eras.era,
        eras.first_day,
        eras.last_day,
        lag(chosen.labelled_sector) over (within_era) as sector_before,
        lead(chosen.labelled_sector) over (within_era) as sector_after,
        lead(chosen.as_of) over (within_era) as next_as_of
    from chosen
    inner join {{ ref('gics_eras') }} as eras on chosen.era = eras.era
    where chosen.choice = 1
    window within_era as (partition by chosen.security_id, chosen.resolved_by, eras.era order by chosen.as_of)
),

-- Where a run of one label begins or ends: the labels in between add nothing.
ends as (
    select
        *,
        sum(case when labelled_sector = sector_before then 0 else 1 end) over (
            partition by security_id, resolved_by, era order by as_of rows between unbounded preceding and current row
        ) as run_no
    from dated
    where labelled_sector is distinct from sector_before or labelled_sector is distinct from sector_after
)

select
    security_id,
    resolved_by,
    case when run_no = 1 then min(first_day) else min(as_of) end as first_day,
    max(
        case
            when labelled_sector = sector_after then null
            else coalesce(cast({{ dbt.dateadd('day', -1, 'next_as_of') }} as date), last_day)
        end
    ) as last_day,
    min(labelled_sector) as gics_sector,
    max(as_of) as evidence_as_of,
    max(case when labelled_sector = sector_after then null else document_id end) as document_id
from ends
group by security_id, resolved_by, era, run_no
