-- Each series has its own dates: a day without a value has no row.
select
    rates.series,
    rates.date,
    series.name,
    rates.value / series.divisor as value,
    series.unit,
    series.frequency,
    rates.revisions,
    series.hindsight,
    rates.observed_at
from {{ ref('stg_rates') }} as rates
inner join {{ ref('macro_series') }} as series on rates.series = series.series
where rates.value is not null
