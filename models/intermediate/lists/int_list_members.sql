-- Who is on which list now.
with
    members as (
        {{
            union_lists(
                [
                    "list_hot_accounts_contacts",
                    "list_nurture",
                    "list_offer_meeting",
                    "list_try_again",
                    "list_win_back",
                ]
            )
        }}
    ),

    final as (select list_name, contact_id, reason, reason_pt from members)

select *
from final
