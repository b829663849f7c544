/* The protocol of one job's folder: start, run, mark, adopt, clean (docs/life-of-a-job.md), with
 * schedulers and job processes that are killed at any step. spin proves the invariants that
 * docs/formats.md names under "What never happens"; each -D below breaks one step, and spin must
 * then find an error (tests/behaviour/test_model.py):
 *
 *   NO_RECHECK       a lock counts without looking whether NAME.lock still names it
 *   NO_SECOND_LOOK   NAME.done is looked for before the lock is taken, and not again under it
 *   REMOVE_UNLOCKED  NAME.failed is removed before the lock is taken
 *   NO_HANDOVER      the scheduler lets the lock go, and the process believes that it has it
 *   MARK_UNLOCKED    the lock is let go before the marker of success is written
 *   TRUST_PID        a job is free when NAME.pid names no process, whoever holds the lock
 *   BLIND_FAILURE    a death is recorded without looking for markers again under the lock
 *   NO_CLOEXEC       a program that the task started keeps the lock, and does not end
 */

#ifndef SCHEDULERS
#define SCHEDULERS 2
#endif
#ifndef CRASHES
#define CRASHES 2 /* processes that are killed, of either kind */
#endif
#ifndef FAILURES
#define FAILURES 1 /* executions that end in an error of the task, or by a signal that it catches */
#endif
#define RUNNERS 2 /* processes of the job that exist at once */
#define PROCESSES (SCHEDULERS + RUNNERS + 1)
#define CLEANER (SCHEDULERS + RUNNERS)
#define INODES (PROCESSES + 3)
#define NONE 255

/* ---- The folder -------------------------------------------------------------------------------- */

byte lock_name; /* the inode that NAME.lock names; 0 when there is none */
byte done_name; /* that NAME.done names: the lock's, renamed */
bool failed;    /* NAME.failed */
#ifdef TRUST_PID
byte pid_name = NONE; /* that NAME.pid names: of no account, but to who takes it for a proof */
#define name_pid(p) pid_name = (p)
#else
#define name_pid(p) skip
#endif

/* ---- The kernel -------------------------------------------------------------------------------- */

byte opened[INODES]; /* the processes that have a descriptor of the inode, a bit each */
byte locked[INODES]; /* those whose descriptor has the flock: free when there is none */
bool alive[PROCESSES];
byte victim = NONE; /* to whom a SIGKILL is on its way */
byte spawned[RUNNERS];  /* the descriptor that a process is started with; 0: a free slot */

#define bit(p) (1 << (p))
#define holds(p, i) ((i) != 0 && (locked[i] & bit(p)))
#define is_free(i) (locked[i] == 0)
/* Whether p may change markers: it has the lock, and what it has is what NAME.lock names. */
#define owns(p, i) (holds(p, i) && lock_name == (i))

/* open(NAME.lock, O_CREAT) */
inline open_lock(p, i)
{
    d_step {
        if
        :: lock_name == 0 ->
            i = 1;
            do
            :: i == done_name || opened[i] != 0 -> i++
            :: else -> break
            od;
            lock_name = i
        :: else -> i = lock_name
        fi;
        opened[i] = opened[i] | bit(p)
    }
}

inline close_lock(p, i)
{
    d_step {
        opened[i] = opened[i] & ~bit(p);
        locked[i] = locked[i] & ~bit(p);
        i = 0
    }
}

/* What the kernel does when a process ends, however it ends. */
inline release_all(p, i)
{
    d_step {
        i = 1;
        do
        :: i < INODES ->
            opened[i] = opened[i] & ~bit(p);
            locked[i] = locked[i] & ~bit(p);
            i++
        :: else -> break
        od;
        i = 0;
        alive[p] = false;
        if
        :: victim == p -> victim = NONE
        :: else
        fi
    }
}

/* ---- The invariants, where what they speak of changes ------------------------------------------ */

byte executing; /* processes in which the task is being executed */

inline begin_task(p, i)
{
    d_step {
        executing++;
        assert(executing == 1);                   /* never two at a time */
        assert(done_name == 0);                   /* never again once it is done */
        assert(owns(p, i))                        /* never without the lock */
    }
}

inline end_task(p, i)
{
    d_step {
        assert(owns(p, i)); /* it was held all along */
        assert(done_name == 0);
        executing--
    }
}

inline mark_done(p, i)
{
    d_step {
        assert(owns(p, i)); /* markers are the holder's */
        assert(!failed);    /* never both */
        done_name = lock_name;
        lock_name = 0
    }
}

inline mark_failed(p, i)
{
    d_step {
        assert(owns(p, i));
        assert(done_name == 0); /* what is done is never marked failed */
        failed = true
    }
}

inline remove_failed(p, i)
{
    d_step {
        assert(!failed || owns(p, i));
        failed = false
    }
}

/* ---- A scheduler ------------------------------------------------------------------------------- */

/* Takes the lock as base/file.c does. With `wait`, as one that adopts: it waits for the holder's
 * end. `got` says whether it has it. */
inline take_lock(p, i, wait, got)
{
    got = false;
    do
    :: open_lock(p, i);
        if
        :: atomic { is_free(i) -> locked[i] = locked[i] | bit(p); got = true }
        :: atomic { !is_free(i) && !wait -> got = false }
        fi;
        if
        :: !got -> close_lock(p, i); break
#ifdef NO_RECHECK
        :: got -> break
#else
        :: got && lock_name == i -> break
        :: got && lock_name != i -> close_lock(p, i)
#endif
        fi
    od
}

proctype scheduler(byte me)
{
    byte fd, child = NONE;
    bool got;
    do
    :: true ->
        {
            child = NONE;
            /* Starting it. */
#ifdef REMOVE_UNLOCKED
            remove_failed(me, fd);
#endif
#ifdef NO_SECOND_LOOK
            if
            :: done_name != 0 -> goto done
            :: else
            fi;
#endif
            take_lock(me, fd, false, got);
#ifdef TRUST_PID
            if
            :: !got && (pid_name == NONE || !alive[pid_name]) ->
                open_lock(me, fd);
                locked[fd] = locked[fd] | bit(me);
                got = true
            :: else
            fi;
#endif
            if
            :: !got -> take_lock(me, fd, true, got) /* it runs elsewhere: waits for its end */
            :: else
            fi;
#ifndef NO_SECOND_LOOK
            if
            :: done_name != 0 ->
                d_step {
                    if
                    :: owns(me, fd) -> lock_name = 0 /* just made, to look */
                    :: else
                    fi
                };
                close_lock(me, fd);
                goto done
            :: else
            fi;
#endif
            d_step { remove_failed(me, fd); name_pid(NONE); got = false };
            /* Its process has the same open file: the lock is handed over, and never free. */
            d_step {
                child = 0;
                do
                :: child < RUNNERS && (alive[SCHEDULERS + child] || spawned[child] != 0) -> child++
                :: else -> break
                od;
                if
                :: child == RUNNERS
                :: else ->
#ifndef NO_HANDOVER
                    opened[fd] = opened[fd] | bit(SCHEDULERS + child);
                    locked[fd] = locked[fd] | bit(SCHEDULERS + child);
#endif
                    spawned[child] = fd;
                    alive[SCHEDULERS + child] = true
                fi
            };
            if
            :: child == RUNNERS -> close_lock(me, fd) /* no process to be had */
            :: else ->
                close_lock(me, fd);
                /* Its end, told by a pidfd. */
                atomic { !alive[SCHEDULERS + child] -> child = NONE };
                if
                :: done_name != 0 -> goto done
                :: done_name == 0 && failed
                :: done_name == 0 && !failed -> /* it died before it could say how */
                    take_lock(me, fd, false, got);
                    if
#ifdef BLIND_FAILURE
                    :: got -> mark_failed(me, fd); close_lock(me, fd)
#else
                    :: got && done_name == 0 && !failed ->
                        mark_failed(me, fd);
                        close_lock(me, fd)
                    :: got && done_name == 0 && failed -> close_lock(me, fd)
                    :: got && done_name != 0 ->
                        d_step {
                            if
                            :: owns(me, fd) -> lock_name = 0
                            :: else
                            fi
                        };
                        close_lock(me, fd)
#endif
                    :: !got
                    fi
                fi
            fi
        } unless {
            victim == me;
            release_all(me, fd); /* and another run is started in its place */
            alive[me] = true
        }
    od;
done:
    release_all(me, fd)
}

/* ---- The job's process ------------------------------------------------------------------------- */

byte failures = FAILURES;

proctype runner(byte slot)
{
    byte fd, me = SCHEDULERS + slot;
    bool executes;
end:
    do
    :: spawned[slot] != 0 ->
        {
            d_step {
                fd = spawned[slot];
                remove_failed(me, fd);
                name_pid(me);
                begin_task(me, fd);
                executes = true
            };
#ifdef NO_CLOEXEC
            locked[fd] = locked[fd] | bit(PROCESSES); /* whose end nobody waits for */
#endif
            if
            :: true ->
                d_step { end_task(me, fd); executes = false };
#ifdef MARK_UNLOCKED
                d_step {
                    opened[fd] = opened[fd] & ~bit(me);
                    locked[fd] = locked[fd] & ~bit(me)
                };
                d_step { done_name = lock_name; lock_name = 0 }
#else
                mark_done(me, fd)
#endif
            :: failures > 0 ->
                d_step { end_task(me, fd); executes = false; failures-- };
                mark_failed(me, fd)
            :: failures > 0 -> /* told to end: it says so at once, and may go on for a while */
                d_step { mark_failed(me, fd); failures-- };
                d_step { end_task(me, fd); executes = false }
            fi;
            d_step {
                release_all(me, fd);
                spawned[slot] = 0
            }
        } unless {
            victim == me;
            d_step {
                if
                :: executes -> executing--; executes = false
                :: else
                fi;
                release_all(me, fd);
                spawned[slot] = 0
            }
        }
    od
}

/* ---- Who else comes along ---------------------------------------------------------------------- */

/* Somebody who removes a lock that nobody holds, once: as its holder, he may. */
proctype cleaner()
{
    byte fd;
    bool got;
    take_lock(CLEANER, fd, false, got);
    if
    :: got -> lock_name = 0; close_lock(CLEANER, fd)
    :: !got
    fi;
    alive[CLEANER] = false
}

proctype reaper()
{
    byte crashes = CRASHES, who;
    do
    :: atomic {
            crashes > 0 && victim == NONE ->
            who = 0;
            do
            :: who < SCHEDULERS + RUNNERS - 1 -> who++
            :: break
            od;
            if
            :: alive[who] -> victim = who; crashes--
            :: else -> skip
            fi;
            who = 0
        }
    :: break
    od
}

init {
    byte i;
    atomic {
        i = 0;
        do
        :: i < SCHEDULERS -> alive[i] = true; run scheduler(i); i++
        :: else -> break
        od;
        i = 0;
        do
        :: i < RUNNERS -> run runner(i); i++
        :: else -> break
        od;
        alive[CLEANER] = true;
        run cleaner();
        run reaper()
    }
}

/* However often schedulers and processes are killed, once that ends the job is done. */
ltl finishes { <> (done_name != 0) }
