{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- One horizon of a label and target is put into words: the longest one with a row, a year if the history allows it. It is chosen
-- without looking at the result; the others are named if they survive the correction for the number of tests.
with ranked as (
    select
        signal,
        subject,
        label,
        target,
        horizon,
        verdict,
        max(horizon) over (partition by signal, subject, label, target) as longest
    from {{ ref('scorecard') }}
)

select
    signal,
    subject,
    label,
    target,
    longest as horizon,
    coalesce({{ joined_text(
        "case when horizon < longest and verdict in ('supported', 'contradicted', 'significant') then verdict || ' at '"
        ~ " || " ~ text('horizon') ~ " || ' sessions' end",
        ', ', 'horizon'
    ) }}, 'none') as other_horizons
from ranked
group by signal, subject, label, target, longest
