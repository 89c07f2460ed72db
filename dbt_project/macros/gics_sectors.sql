{#- The eleven sectors of the Global Industry Classification Standard as they stand since 2018-09-28. -#}
{% macro gics_sectors() %}
    {{ return([
        'Communication Services', 'Consumer Discretionary', 'Consumer Staples', 'Energy', 'Financials', 'Health Care',
        'Industrials', 'Information Technology', 'Materials', 'Real Estate', 'Utilities',
    ]) }}
{% endmacro %}
