{{ config(meta={'signals': ['signal_levels']}) }}
{% set p = signal_parameters('signal_levels', ['analogue_distance']) -%}
{% set horizons = [5, 21, 63] -%}
with distances as (
    select * from {{ ref('int_flip_distances') }}
),

spells as (
    {{ spells(ref('int_flip_distances'), 'label', partition='signal, subject') }}
),

ends as (
    select
        signal,
        subject,
        spell_no,
        first_session,
        last_session,
        is_open,
        sum(sessions) over (
            partition by signal, subject order by spell_no rows between unbounded preceding and current row
        ) as last_no
    from spells
),

today as (
    select
        distances.*,
        ends.first_session as since
    from distances
    inner join ends
        on distances.signal = ends.signal and distances.subject = ends.subject and distances.session = ends.last_session and ends.is_open
),

-- The same sessions for every horizon: those whose longest one has ended.
analogues as (
    select
        today.signal,
        today.subject,
        count(*) as sessions,
        count(distinct ends.spell_no) as spells
        {%- for horizon in horizons %},
        avg(
            case when not ends.is_open and ends.last_no + 1 - past.label_no <= {{ horizon }} then 1.0e0 else 0.0e0 end
        ) as flips_{{ horizon }}
        {%- endfor %}
    from today
    inner join distances as past
        on today.signal = past.signal
        and today.subject = past.subject
        and today.label = past.label
        and abs(today.distance - past.distance) <= {{ p.analogue_distance }}
        and past.label_no + {{ horizons | max }} <= today.label_no
    inner join ends
        on past.signal = ends.signal
        and past.subject = ends.subject
        and past.session between ends.first_session and ends.last_session
    group by today.signal, today.subject
),

-- IWM against the other fund of its pair; a pair without IWM has neither.
legs as (
    select
        pair,
        case when numerator = 'IWM' then denominator when denominator = 'IWM' then numerator end as other_fund,
        numerator = 'IWM' as is_numerator
    from {{ ref('pairs') }}
),

levels as (
    select
        today.*,
        today.flip_ratio / today.ratio - 1 as flip_change,
        legs.other_fund,
        other.close as other_close,
        iwm.close as iwm_close,
        case when legs.is_numerator then today.flip_ratio * other.close else other.close / today.flip_ratio end as flip_close
    from today
    inner join legs on today.subject = legs.pair
    left join {{ ref('int_daily_returns') }} as other on legs.other_fund = other.fund and today.session = other.session
    left join {{ ref('int_daily_returns') }} as iwm
        on legs.other_fund is not null and iwm.fund = 'IWM' and today.session = iwm.session
)

select
    levels.signal,
    levels.subject,
    levels.session,
    levels.label,
    levels.since,
    levels.value,
    levels.threshold,
    levels.distance,
    levels.flips_to,
    levels.ratio,
    levels.flip_ratio,
    levels.flip_change,
    levels.iwm_close,
    levels.flip_close,
    levels.other_fund,
    levels.other_close,
    levels.flips_to || case when levels.is_below then ' below ' else ' above ' end
    || {{ text('cast(levels.flip_ratio as decimal(18, 4))') }} || ', ' || {{ signed_percent('levels.flip_change') }}
    || coalesce(', ' || levels.other_fund || ' unchanged', '') as flip_in_words,
    cast(coalesce(analogues.sessions, 0) as integer) as analogues_n,
    cast(coalesce(analogues.spells, 0) as integer) as analogue_spells,
    {%- for horizon in horizons %}
    analogues.flips_{{ horizon }},
    {%- endfor %}
    {{ params_id() }} as params_id
from levels
left join analogues on levels.signal = analogues.signal and levels.subject = analogues.subject
