select
    rejects.document_id,
    rejects.line,
    rejects.rule,
    rejects.reason,
    rejects.outcome,
    rejects.content
from {{ source('raw', 'rejects') }} as rejects
inner join {{ ref('stg_documents') }} as documents on rejects.document_id = documents.document_id
