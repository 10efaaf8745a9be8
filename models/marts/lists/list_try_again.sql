{{ list_members("list_try_again") }}
