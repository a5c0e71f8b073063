/* libpri asks gettimeofday for the time; preloaded, this answers what hwsim/libpri/ends.py has set. */

#include <sys/time.h>

static struct timeval now;

void set_clock(long seconds, long microseconds)
{
    now.tv_sec = seconds;
    now.tv_usec = microseconds;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
    (void)zone;
    *time = now;
    return 0;
}
