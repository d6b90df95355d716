"""Where each rule of the game is tested: rule by rule, the tests that would go red without it.

A name is `file::test`, with the file below `tests/` and without `.py`. The sections are those of
the rules; `test_rules_of_the_game.py` holds the names against the files.
"""

from __future__ import annotations

S, T, L, C = "backend/submissions", "backend/teams", "backend/leaderboards", "backend/challenges"

RULES: dict[str, dict[str, tuple[str, ...]]] = {
    "Words": {
        "one upload covers the whole universe; ids are judged against it, never against a split": (
            "scoring/test_independence::test_what_is_refused_on_submission_does_not_depend_on_the_truth",
        ),
        "linked phases share a test set": (
            f"{C}/test_definition::test_a_link_between_different_test_sets_is_refused",
        ),
        "each row has a usage per phase": (
            "scoring/test_solution::test_phases_with_their_own_usage_and_ignored_rows",
        ),
    },
    "Roles": {
        "every route declares one policy; every route × every role": (
            "backend/test_matrix::test_every_route_lets_in_whom_its_policy_says_and_nobody_else",
            "backend/test_matrix::test_every_policy_stands_in_the_table",
        ),
        "a token is restricted to scopes, an expiry and one challenge": (
            "backend/test_matrix::test_a_token_of_another_challenge_sees_that_one_alone",
            "backend/accounts/test_tokens::test_a_token_can_not_touch_passwords_tokens_sessions_or_roles",
            "backend/accounts/test_tokens::test_a_token_expires",
        ),
        "organisers who hand in are staff and unranked": (
            f"{T}/test_joining::test_organisers_and_administrators_are_staff_even_by_a_restricted_token",
            f"{L}/test_boards::test_organisers_stand_unranked_and_marked",
        ),
        "what one may not see answers 404, boards are public by a setting": (
            f"{C}/test_api::test_who_sees_which_challenge",
            f"{C}/test_api::test_a_site_may_show_nothing_to_visitors",
        ),
        "CSRF is refused with 403": (
            "backend/accounts/test_csrf::test_the_api_asks_browsers_for_the_header",
        ),
    },
    "Joining and teams": {
        "open, approval, code, roster": (
            f"{T}/test_registration::test_the_way_in_by_every_policy_and_in_every_state",
            f"{T}/test_roster::test_two_use_one_code_at_once_and_exactly_one_is_in",
        ),
        "codes have 60 bits or more, can be revoked, are throttled": (
            f"{T}/test_codes::test_a_code_has_more_than_sixty_bits_and_is_never_the_same",
            f"{T}/test_codes::test_a_revoked_code_lets_nobody_in_and_nobody_out",
            f"{T}/test_registration::test_a_person_has_ten_attempts_at_a_code",
        ),
        "rules are versioned; a new version asks again; data and submission need it": (
            f"{T}/test_registration::test_new_rules_ask_again_before_the_next_submission_and_the_data",
        ),
        "invite, accept, rename, remove, hand over, size cap, lock": (
            f"{T}/test_teams::test_who_accepts_an_invitation_is_in_the_team",
            f"{T}/test_teams::test_a_team_has_no_more_members_than_the_cap",
            f"{T}/test_teams::test_after_the_last_close_teams_stay_as_they_are",
            f"{T}/test_teams::test_a_lock_date_of_its_own",
        ),
        "whoever leaves inherits the used quota; scores stay with the team": (
            f"{S}/test_merging::test_who_leaves_takes_the_used_quota_along_but_no_submission",
        ),
        "merge: both leaders, used quota, finals cleared, closed phases keep their rows": (
            f"{S}/test_merging::test_a_merge_moves_submissions_clears_finals_and_tells_both",
            f"{S}/test_merging::test_a_merge_beyond_what_one_team_could_have_used_is_refused_until_a_day_later",
            f"{S}/test_merging::test_a_closed_phase_keeps_its_rows_and_shows_who_stood_there",
        ),
        "names that spreadsheets take for formulas are refused": (
            f"{T}/test_teams::test_names_that_spreadsheets_or_eyes_misread_are_refused",
        ),
    },
    "Submitting": {
        "decided before the first byte, and again in the transaction": (
            f"{S}/test_handing_in::test_ten_announced_gigabytes_are_refused_before_they_are_read",
            f"{S}/test_handing_in::test_who_is_excluded_while_a_file_travels_is_refused",
        ),
        "a broken upload never happened": (
            f"{S}/test_handing_in::test_a_cut_upload_leaves_nothing_behind",
            f"{S}/test_handing_in::test_a_crash_before_the_commit_leaves_a_blob_that_housekeeping_removes",
        ),
        "the cheap look refuses with 422 and no submission": (
            f"{S}/test_handing_in::test_a_file_that_looks_wrong_is_refused_at_once_and_costs_nothing",
        ),
        "validate costs nothing and sees no truth": (
            "journeys/test_formats::test_validation_costs_nothing_and_does_not_depend_on_the_truth",
        ),
        "per day (rolling or calendar), total, concurrent; a refusal says when": (
            f"{S}/test_rules::test_a_rolling_day_frees_its_slot_exactly_24_hours_later",
            f"{S}/test_rules::test_a_calendar_day_ends_at_midnight_of_the_zone",
            f"{S}/test_handing_in::test_over_the_limit_the_answer_says_when_the_next_is_possible",
        ),
        "exactly one of fifty gets the last slot": (
            f"{S}/test_handing_in::test_of_fifty_at_once_with_one_slot_left_exactly_one_gets_in",
        ),
        "overrides and refunds": (
            f"{S}/test_judging::test_limits_of_one_team_replace_the_phase_s",
            f"{S}/test_judging::test_a_refund_gives_the_slot_back_once",
        ),
        "what is rejected, failed or taken back gives its slot back, with a cap": (
            f"{S}/test_handing_in::test_files_that_give_their_slot_back_have_a_cap_of_their_own",
            f"{S}/test_changing::test_only_what_is_queued_can_be_taken_back_and_its_slot_returns",
        ),
        "idempotency": (
            f"{S}/test_handing_in::test_a_key_makes_a_repetition_harmless_also_over_the_limit",
            f"{S}/test_handing_in::test_a_key_answers_also_after_the_close",
            f"{S}/test_handing_in::test_the_same_file_within_ten_minutes_is_the_same_submission",
        ),
        "states, leases, attempts, crashes; nothing stays unfinished": (
            f"{S}/test_rules::test_every_pair_of_states_is_decided",
            f"{S}/test_evaluating::test_the_eleventh_lost_lease_ends_in_failure_with_a_reference",
            f"{S}/test_evaluating::test_a_scorer_that_dies_three_times_ends_in_failure",
            f"{S}/test_queue_page::test_a_sandbox_that_never_works_ends_in_failed",
            f"{S}/test_judging::test_what_failed_is_scored_again_at_no_cost",
            "faults/test_kill::test_whatever_is_killed_every_accepted_submission_is_scored_exactly_once",
        ),
        "whose turn it is": (
            f"{S}/test_fairness::test_a_thousand_files_of_one_team_delay_another_by_one_slot",
            f"{S}/test_fairness::test_a_challenge_of_300_teams_does_not_delay_one_of_three",
            f"{S}/test_evaluating::test_live_work_comes_before_rescoring",
        ),
    },
    "Validation report": {
        "every code has its text and lines": (
            "scoring/test_report_texts::test_refused_with_code_text_and_lines",
            "scoring/test_report_texts::test_accepted_with_a_warning",
        ),
        "a message never depends on the truth": (
            "scoring/test_independence::test_no_answer_of_validate_depends_on_the_truth",
        ),
        "diagnoses come with a scored submission, from the public split, with its visibility": (
            f"{S}/test_diagnoses::test_only_public_rows_are_diagnosed",
            f"{S}/test_diagnoses::test_a_hidden_board_hides_ones_own_diagnoses",
            f"{S}/test_diagnoses::test_validation_never_tells",
        ),
    },
    "Scoring on splits": {
        "every metric on every split in one run, normalised at compile time": (
            "scoring/test_solution::test_the_summary_tells_sums_and_factors",
        ),
        "while blind, participants read the metric's decimals": (
            f"{L}/test_boards::test_while_a_phase_is_blind_participants_read_the_metrics_decimals_only",
        ),
        "too few selected events are refused, counted over the whole file": (
            "scoring/test_report_texts::test_refused_with_code_text_and_lines",
        ),
        "participants' figures are aggregated and blind": (
            f"{S}/test_figures::test_a_blind_phase_shows_its_team_the_blind_figures_of_public_events",
        ),
        "a banner where the truth is public": (
            f"{C}/test_pages::test_public_truth_is_said_on_every_page",
        ),
    },
    "Which submission counts": {
        "public: best or latest": (
            f"{S}/test_counting::test_the_best_public_score_counts_and_of_equals_the_earlier",
            f"{S}/test_counting::test_the_latest_counts_where_the_phase_says_so",
        ),
        "private: the best of the finals; free places by public score": (
            f"{S}/test_counting::test_the_private_board_takes_the_best_private_score_of_the_finals_only",
            f"{S}/test_counting::test_free_final_places_are_filled_by_the_best_public_score",
            f"{S}/test_counting::test_a_final_that_is_disqualified_or_has_no_score_frees_its_place",
        ),
        "selecting until the close; too many are refused with the list": (
            f"{S}/test_changing::test_up_to_two_may_be_selected_until_the_close",
        ),
        "a banner says what counts; afterwards, what another choice would have given": (
            f"{S}/test_finals::test_a_banner_says_what_counts_and_until_when",
            f"{L}/test_result::test_each_choice_gives_what_the_board_would_have_shown",
        ),
        "ranks, ties, tie-breaks": (
            f"{L}/test_rules::test_a_rank_is_one_more_than_the_number_of_better_teams",
            f"{L}/test_rules::test_tie_breaks_separate_equal_scores",
            f"{L}/test_rules::test_equal_scores_share_a_rank_and_stand_by_earlier_submission_then_name",
        ),
        "missing and non-finite scores are never ranked": (
            f"{S}/test_counting::test_missing_and_non_finite_scores_never_count",
        ),
        "staff, disqualified and late rows are shown unranked and marked": (
            f"{L}/test_rules::test_marked_lines_stand_in_place_without_a_rank",
            f"{S}/test_judging::test_a_disqualified_team_keeps_its_row_unranked",
        ),
        "gates": (
            f"{S}/test_counting::test_what_passes_the_gates_counts_before_what_is_better_but_does_not",
            f"{S}/test_details::test_a_gate_on_a_slice_decides_who_is_ranked",
        ),
        "slices": (
            f"{S}/test_details::test_the_page_of_a_submission_has_a_table_by_variant_and_by_slice",
            f"{S}/test_details::test_columns_of_slices_stand_on_the_board_in_every_form",
        ),
    },
    "Visibility and unblinding": {
        "live, hidden, frozen": (
            f"{L}/test_rules::test_the_state_of_a_board",
            f"{L}/test_boards::test_a_hidden_board_shows_nothing_not_even_ones_own_score",
            f"{S}/test_counting::test_a_frozen_board_counts_what_came_before_the_freeze",
        ),
        "bans apply to every board": (
            f"{T}/test_bans::test_a_board_hides_a_team_while_all_of_its_members_are_banned",
        ),
        "no private value before the unblinding, on any route, to anybody": (
            "backend/test_private::test_no_route_shows_a_private_value_before_the_unblinding",
            "backend/test_private::test_the_walk_finds_the_values_once_they_are_open",
        ),
        "settled: after the last close, extensions included, with nothing under way": (
            f"{S}/test_unblinding::test_uploads_in_flight_and_unscored_files_keep_a_phase_from_settling",
            f"{S}/test_extending::test_one_team_hands_in_after_the_others_and_the_phase_settles_after_it",
        ),
        "at the close, at a time, by hand; recorded, irreversible": (
            f"{S}/test_unblinding::test_at_a_fixed_time_means_then_and_settled",
            f"{S}/test_unblinding::test_a_manual_phase_waits_for_a_person",
            f"{S}/test_unblinding::test_unblinding_is_recorded_once_and_stays",
        ),
        "refused while another unsettled phase scores the same private rows": (
            f"{S}/test_unblinding::test_a_phase_waits_for_another_that_scores_the_same_private_rows",
        ),
        "late files: after the unblinding, on both splits, never ranked": (
            f"{S}/test_late::test_a_late_file_is_refused_until_the_board_is_open_then_scored_and_not_ranked",
        ),
        "afterwards: ranks, move, full precision, the place told to each member, notes": (
            f"{L}/test_result::test_banners_and_links_tell_it_where_one_looks",
            f"{L}/test_result::test_the_board_shows_moves_and_notes_as_text_too",
            f"{S}/test_finals::test_the_page_asks_for_a_note_when_a_final_is_selected",
        ),
    },
    "Phases that follow each other": {
        "selected, best, latest from a settled source": (
            f"{S}/test_carry_rules::test_best_is_the_best_public_and_latest_the_last_that_is_scored",
            f"{S}/test_carry_rules::test_selected_are_the_finals_and_free_places_are_filled_by_public_score",
            f"{S}/test_carrying::test_the_tick_carries_once_the_source_has_settled_and_the_board_shows_it",
        ),
        "unique; repeating adds what is missing and marks what is superseded": (
            f"{S}/test_carrying::test_repeating_adds_marks_what_is_superseded_and_takes_it_back",
            f"{S}/test_carrying::test_two_at_once_carry_once",
        ),
        "previewable": (
            f"{S}/test_carrying::test_nothing_moves_before_the_source_has_settled_and_the_preview_says_who_would",
        ),
        "a closed final takes carried entries only": (
            f"{S}/test_carrying::test_a_closed_final_takes_carried_entries_only_and_unblinds_by_itself",
        ),
    },
    "Re-scoring": {
        "in the background, rejected ones included; new files are scored under both": (
            f"{S}/test_rescoring::test_a_rejected_file_may_be_accepted_and_counts_as_its_state",
            f"{S}/test_rescoring::test_what_is_handed_in_meanwhile_is_scored_under_both",
        ),
        "the board keeps the old generation, then both boards switch at once": (
            f"{S}/test_rescoring::test_the_board_keeps_the_old_generation_until_all_is_scored_and_then_switches",
            f"{S}/test_rescoring::test_a_switch_that_dies_leaves_the_old_generation_whole",
            f"{S}/test_rescoring::test_past_a_failure_an_organiser_may_go_on_and_that_submission_keeps_its_score",
        ),
        "preview of who would move; history": (
            f"{S}/test_editing::test_a_new_solution_is_previewed_begun_and_says_who_would_move",
            f"{S}/test_rescoring_sight::test_history_stays_and_says_what_counts",
        ),
    },
    "Robustness variants": {
        "a column for each variant; ranked by nominal, mean or worst": (
            "scoring/test_variants::test_columns_show_what_the_phase_ranks_by",
            f"{S}/test_details::test_every_variant_has_a_column_of_the_ranking_metric",
        ),
    },
    "Organising": {
        "export and import are lossless": (f"{C}/test_loading::test_export_load_export_is_stable",),
        "an uploaded folder never executes anything": (
            f"{S}/test_editing::test_hostile_zips_are_refused_and_leave_nothing",
        ),
        "publishing needs a dry run": (
            f"{C}/test_loading::test_the_dry_run_needs_the_solution_to_be_the_best",
        ),
        "a table says what is frozen": (
            f"{S}/test_rescoring_sight::test_every_key_of_challenge_toml_stands_in_the_table_of_frozen_fields",
            f"{S}/test_rescoring_commands::test_the_page_about_editing_has_the_table_of_the_code",
        ),
        "a moved close is audited and told": (
            f"{S}/test_moving::test_a_moved_close_is_kept_recorded_told_and_exported",
        ),
        "an update shows a diff and needs a word": (
            f"{C}/test_loading::test_a_changed_folder_shows_its_changes_and_needs_update",
            f"{S}/test_editing::test_a_folder_is_previewed_and_then_brings_the_challenge_to_what_it_says",
        ),
        "hide, disqualify with a reason, restore": (
            f"{S}/test_judging::test_what_is_hidden_counts_nowhere_until_it_is_restored",
            f"{S}/test_judging::test_a_team_reads_why_its_submission_is_disqualified",
        ),
        "announcements": (
            f"{T}/test_notices::test_an_announcement_is_previewed_made_once_and_recorded",
        ),
        "audit log": (f"{C}/test_audit::test_the_log_says_who_did_what_with_before_and_after",),
        "trash for 30 days": (f"{C}/test_trash::test_after_thirty_days_nothing_of_it_is_left",),
        "exports and grades": (
            f"{L}/test_grades::test_the_grade_sheet_has_a_row_for_everybody",
            f"{L}/test_grades::test_every_submission_is_a_row_with_private_scores",
        ),
        "the same file of two teams, and scores too good to be true, are flagged": (
            f"{S}/test_flags::test_one_file_from_two_teams_is_flagged_to_organisers_only",
            f"{S}/test_flags::test_a_score_too_good_to_be_true_is_flagged_to_organisers_only",
        ),
    },
    "Time": {
        "windows are half-open; an upload counts when its request began": (
            f"{C}/test_rules::test_a_window_is_half_open",
            f"{S}/test_handing_in::test_an_upload_that_began_in_time_counts_however_long_it_takes",
        ),
        "times without offset are local; anywhere on Earth": (
            f"{C}/test_definition::test_times_without_offset_are_local_to_the_timezone",
            f"{S}/test_times::test_midnight_anywhere_on_earth_is_noon_in_greenwich",
        ),
        "shown in the challenge's zone, too": (
            f"{C}/test_pages::test_times_stand_in_the_zone_of_the_challenge_too",
        ),
    },
}
LATER = {"Baselines"}
