{{ list_members("list_win_back") }}
