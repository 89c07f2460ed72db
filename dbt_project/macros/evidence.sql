{#-
    The difference of each label within each era, as CTEs: `labelled` (the label's sessions) and `every_session` of its signal.

    labels: relation with signal, the subject column, label, session_no. returns: target, horizon, session, session_no, forward_return.
-#}
{% macro label_eras(labels, returns, history, subject='subject') -%}
with spans as (
    select
        signal,
        {{ subject }},
        min(session_no) as first_no,
        max(session_no) as last_no
    from {{ labels }}
    group by signal, {{ subject }}
),

eras as (
    select
        era,
        name as era_name,
        first_day,
        last_day
    from {{ ref('evidence_eras') }}
    where history = '{{ history }}'
),

returns as (
    select
        eras.era,
        eras.era_name,
        forward.target,
        forward.horizon,
        forward.session_no,
        forward.forward_return
    from {{ returns }} as forward
    inner join eras on forward.session between eras.first_day and eras.last_day
),

every_session as (
    select
        spans.signal,
        spans.{{ subject }},
        returns.era,
        returns.target,
        returns.horizon,
        sum(returns.forward_return) as total_return,
        count(*) as sessions
    from returns
    inner join spans on returns.session_no between spans.first_no and spans.last_no
    group by spans.signal, spans.{{ subject }}, returns.era, returns.target, returns.horizon
),

labelled as (
    select
        labels.signal,
        labels.{{ subject }},
        labels.label,
        returns.era,
        returns.era_name,
        returns.target,
        returns.horizon,
        sum(returns.forward_return) as total_return,
        count(*) as sessions
    from {{ labels }} as labels
    inner join returns on labels.session_no = returns.session_no
    where labels.label is not null
    group by labels.signal, labels.{{ subject }}, labels.label, returns.era, returns.era_name, returns.target, returns.horizon
)
{%- endmacro %}

{#- The verdict of a row of evidence: columns has_clusters, p_family, p_value, has_one_sign, the interval and practical. -#}
{% macro evidence_verdict(significance, surviving) -%}
    case
        when has_clusters and p_family <= {{ significance }} and has_one_sign then {{ surviving }}
        when has_clusters and interval_low > -practical and interval_high < practical then 'bounded'
        when has_clusters and p_value <= {{ significance }} then 'suggestive'
        else 'undecided'
    end
{%- endmacro %}

{#-
    The same as a sentence: columns of decided rows and found (higher or lower), p with practical_a_year, least_clusters and
    least_history; expected is an SQL expression. An undecided row says what would often be missed, or why nothing could be seen.
-#}
{% macro evidence_in_words(p, expected) -%}
    case verdict
        when 'supported' then 'supported: ' || found || ' than after the rest, as the guide says'
        when 'contradicted' then 'contradicted: ' || found || ' than after the rest; the guide says ' || {{ expected }}
        when 'significant' then 'significant: ' || found || ' than after the rest; the guide makes no claim'
        when 'bounded' then 'bounded: no effect larger than ' || {{ percent('practical') }}
        when 'suggestive' then case
            when p_family <= {{ p.significance }}
                then 'suggestive: significant in its family, but without the same sign in every era (at least two)'
            else 'suggestive: not significant once all tests of its family are counted'
        end
        else case
            when history < {{ p.least_history | int }}
                then 'undecided: the signal has fewer than {{ p.least_history | int }} sessions of history'
            when not has_clusters
                then 'undecided: fewer than {{ p.least_clusters | int }} independent clusters of spells'
            else 'undecided: a difference below ' || {{ percent('min_detectable') }} || ' would often be missed'
        end
    end
{%- endmacro %}
