{#-
    A bootstrap interval of a mean: the cases of each group are resampled whole, with replacement, and the mean of a resample is
    sum(value) / sum(weight) (percentile interval, Efron 1979). Every group draws the same case numbers. Returns the group,
    interval_low and interval_high.
-#}
{% macro bootstrap_of_mean(relation, by, case_name, value, weight, resamples, coverage) -%}
    with numbered as (
        select
            {{ by }} as drawn_group,
            {{ value }} as drawn_value,
            {{ weight }} as drawn_weight,
            row_number() over (partition by {{ by }} order by {{ case_name }}) as case_no,
            count(*) over (partition by {{ by }}) as cases
        from {{ relation }}
    ),

    draw_numbers as (
        {{ whole_numbers(resamples) }}
    ),

    drawn as (
        select
            numbered.drawn_group,
            draw_numbers.number as draw_no,
            1 + cast(floor({{ pseudo_random('draw_numbers.number', 'numbered.case_no') }} * numbered.cases) as bigint) as case_no
        from numbered
        cross join draw_numbers
    ),

    resampled as (
        select
            drawn.drawn_group,
            drawn.draw_no,
            sum(numbered.drawn_value) / sum(numbered.drawn_weight) as drawn_mean
        from drawn
        inner join numbered on drawn.drawn_group = numbered.drawn_group and drawn.case_no = numbered.case_no
        group by drawn.drawn_group, drawn.draw_no
    )

    select
        drawn_group as {{ by }},
        percentile_cont({{ double_literal((1 - coverage | float) / 2) }}) within group (order by drawn_mean) as interval_low,
        percentile_cont({{ double_literal((1 + coverage | float) / 2) }}) within group (order by drawn_mean) as interval_high
    from resampled
    group by drawn_group
{%- endmacro %}
