-- Every time that accounting of the cluster `small` has written, an hour earlier.
-- 0 is a time that has not come; a pending job of next week stays pending.
set @hour = 3600, @first = (select min(time_submit) from small_job_table);

update small_job_table set time_submit = time_submit - @hour order by time_submit;
update small_job_table set time_eligible = time_eligible - @hour where time_eligible > 0 and time_eligible < 4000000000;
update small_job_table set time_start = time_start - @hour where time_start > 0;
update small_job_table set time_end = time_end - @hour where time_end > 0;
-- State 2 is SUSPENDED: then this is an instant, else a sum of seconds.
update small_job_table set time_suspended = time_suspended - @hour where state = 2;

update small_step_table set time_start = time_start - @hour where time_start > 0;
update small_step_table set time_end = time_end - @hour where time_end > 0;
update small_step_table set time_suspended = time_suspended - @hour where state = 2;

update small_suspend_table set time_start = time_start - @hour order by time_start;
update small_suspend_table set time_end = time_end - @hour where time_end > 0;
update small_event_table set time_start = time_start - @hour order by time_start;
update small_event_table set time_end = time_end - @hour where time_end > 0;
update small_resv_table set time_start = time_start - @hour order by time_start;
update small_resv_table set time_end = time_end - @hour where time_end > 0;

-- Let slurmdbd roll up from before the first job on.
delete from small_assoc_usage_hour_table;
delete from small_assoc_usage_day_table;
delete from small_usage_hour_table;
delete from small_usage_day_table;
update small_last_ran_table set hourly_rollup = @first - 3 * @hour, daily_rollup = @first - 3 * @hour, monthly_rollup = @first - 3 * @hour;
