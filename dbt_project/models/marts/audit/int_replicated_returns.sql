{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- Returns over published windows, each from the last close by its first day to the last close by its last day: of IWM alone, or of
-- IWM less SPY from each reconstitution of the window to the end of its August. A window beyond the history has no return.
with spans as (
    select
        study,
        figure,
        from_date as span_from,
        to_date as span_to,
        years
    from {{ ref('published_figures') }}
    where from_date is not null and years is not null
    union all
    select
        figures.study,
        figures.figure,
        events.effective as span_from,
        cast({{ dbt.dateadd('month', 3, dbt.date_trunc('month', 'events.effective')) }} as date) - 1 as span_to,
        figures.years
    from {{ ref('published_figures') }} as figures
    inner join {{ ref('reconstitutions') }} as events on events.effective between figures.from_date and figures.to_date
    where figures.years is null
),

indexes as (
    select
        session,
        max(case when fund = 'IWM' then total_return_index end) as iwm,
        max(case when fund = 'SPY' then total_return_index end) as spy
    from {{ ref('int_daily_returns') }}
    where fund in ('IWM', 'SPY')
    group by session
    having count(*) = 2
),

bounds as (
    select
        spans.study,
        spans.figure,
        spans.span_from,
        spans.years,
        max(case when indexes.session <= spans.span_from then indexes.session end) as first_session,
        max(case when indexes.session <= spans.span_to then indexes.session end) as last_session,
        max(indexes.session) >= max(spans.span_to) as is_over
    from spans
    cross join indexes
    group by spans.study, spans.figure, spans.span_from, spans.years
)

select
    bounds.study,
    bounds.figure,
    bounds.span_from,
    case
        when bounds.is_over and bounds.years is null then ends.iwm / starts.iwm - ends.spy / starts.spy
        when bounds.is_over then power(ends.iwm / starts.iwm, 1 / bounds.years) - 1
    end as total_return
from bounds
left join indexes as starts on bounds.first_session = starts.session
left join indexes as ends on bounds.last_session = ends.session
