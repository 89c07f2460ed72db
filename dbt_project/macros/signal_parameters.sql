{#-
    The parameters of one signal from seeds/signal_parameters.csv, as a dictionary by name, with `params_id`: a hash over
    names and values, so that a published row tells what it was computed with.
    `names` are the parameters the model needs: one that is missing from the seed stops the build.
    `upstream` are the signals whose labels or figures the model reads: their parameters made the row too, so they are in the hash.
    The model that calls it must name the seed: -- depends_on: {{ ref('signal_parameters') }}
-#}
{% macro signal_parameters(signal, names, upstream=[]) %}
    {%- set found, text = {}, [] -%}
    {%- if not execute -%}
        {%- for name in names -%} {%- do found.update({name: 1}) -%} {%- endfor -%}
        {{ return(found) }}
    {%- endif -%}
    {%- set seed = api.Relation.create(database=target.database, schema='seeds', identifier='signal_parameters') -%}
    {%- set rows = run_query("select signal, parameter, value from " ~ seed ~ " order by signal, parameter").rows -%}
    {%- for row in rows if row[0] == signal -%}
        {%- do found.update({row[1]: row[2] | float}) -%}
        {%- do text.append(row[1] ~ '=' ~ (row[2] | float)) -%}
    {%- endfor -%}
    {%- for row in rows if row[0] in upstream -%}
        {%- do text.append(row[0] ~ ':' ~ row[1] ~ '=' ~ (row[2] | float)) -%}
    {%- endfor -%}
    {%- for name in names if name not in found -%}
        {{ exceptions.raise_compiler_error("seeds/signal_parameters.csv has no parameter " ~ name ~ " for the signal " ~ signal) }}
    {%- endfor -%}
    {%- do found.update({'params_id': local_md5(signal ~ ':' ~ text | join(';'))[:12]}) -%}
    {{ return(found) }}
{% endmacro %}
