-- int_stage_steps keeps twelve moves of a contact; nobody may need more (raise `rounds` there if somebody does).
select contact_id, max(step) as steps from {{ ref("int_stage_steps") }} group by contact_id having max(step) >= 12
