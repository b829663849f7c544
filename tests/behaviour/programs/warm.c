/* The native program of test_warm.py: N tasks, one after the other, each of which says what it sees of its
 * process, and then ends as END says. With UNFIT, the program does what no parent of warm jobs may. With
 * LACKS, the kernel does not know that system call. */
#define _GNU_SOURCE /* gettid, environ */
#include <experimaestro.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool is_warm;

static void copy(FILE *out, const char *path)
{
    int c;
    FILE *in = fopen(path, "r");
    fprintf(out, "\n%s ", path);
    while (in != NULL && (c = fgetc(in)) != EOF)
        fputc(c == '\0' ? '|' : c, out);
    if (in != NULL)
        fclose(in);
}

/* Lines that are not of one process only, as its number and its memory are. */
static void copy_status(FILE *out)
{
    static const char *const names[] = {"Name:",   "Umask:",  "Threads:", "SigPnd:",    "ShdPnd:",
                                        "SigBlk:", "SigIgn:", "SigCgt:",  "NoNewPrivs:"};
    char line[4096];
    FILE *in = fopen("/proc/self/status", "r");
    while (in != NULL && fgets(line, sizeof line, in) != NULL)
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (strncmp(line, names[i], strlen(names[i])) == 0)
                fputs(line, out);
    if (in != NULL)
        fclose(in);
}

static void list_files(FILE *out)
{
    char path[64], target[4096];
    for (int fd = 0; fd < 64; fd++) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        ssize_t size = readlink(path, target, sizeof target - 1);
        if (size < 0 || fd == fileno(out))
            continue;
        target[size] = '\0';
        fprintf(out, "%d %s %d %d\n", fd, target, fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
    }
}

static void at_exit(void)
{
    puts("at exit");
}

typedef struct {
    int64_t x;
} look;

static int look_execute(look *self, xpm_task *task)
{
    char folder[4096];
    const char *end = getenv("END");
    (void)self, (void)task;
    FILE *out = fopen("said", "w");
    if (out == NULL || getcwd(folder, sizeof folder) == NULL)
        return 1;
    fprintf(out, "%d %d %d %d %s\n", getppid(), getsid(0) == getpid(), getpgid(0) == getpid(),
            gettid() == getpid(), folder);
    list_files(out);
    copy_status(out);
    copy(out, "/proc/self/cmdline");
    copy(out, "/proc/self/environ");
    copy(out, "/proc/self/comm");
    copy(out, "/proc/self/limits");
    copy(out, "/proc/self/oom_score_adj");
    for (char **entry = environ; *entry != NULL; entry++)
        fprintf(out, "\n%s", *entry);
    fclose(out);
    if (is_warm)
        close(open("warm", O_WRONLY | O_CREAT, 0666));
    atexit(at_exit);
    printf("printed");
    if (strcmp(end, "code") == 0)
        return 3;
    if (strcmp(end, "exit") == 0)
        exit(4);
    if (strcmp(end, "raise") == 0)
        raise(SIGABRT);
    return 0;
}
XPM_TASK(look, "warm.look", look_execute, XPM_INT(x));

static int plan(xpm_experiment *xp, xpm_error *err)
{
    xpm_config *before = NULL;
    for (int64_t x = 0; x < atoll(getenv("N")); x++) {
        xpm_config *task = xpm_new("warm.look", "x", x);
        if (strcmp(getenv("END"), "well") == 0 && before != NULL &&
            xpm_config_add_dependency(task, before, err) < 0)
            return -1;
        before = xpm_submit(xp, task, err);
        if (before == NULL)
            return -1;
    }
    return 0;
}

static void *wait_for_ever(void *user)
{
    pause();
    return user;
}

static void spoil(const char *how)
{
    pthread_t thread;
    if (strcmp(how, "thread") == 0)
        pthread_create(&thread, NULL, wait_for_ever, NULL);
    else if (strcmp(how, "file") == 0)
        (void)!open("/dev/zero", O_RDONLY);
    else if (strcmp(how, "word") == 0)
        puts("hello");
    else if (strcmp(how, "folder") == 0)
        mkdir("made", 0777);
}

/* As on a kernel before 5.9 (close_range) or 5.3 (clone3). */
static bool refuse_call(const char *name)
{
    unsigned number = strcmp(name, "clone3") == 0 ? SYS_clone3 : SYS_close_range;
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof program / sizeof *program, program};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

int main(int argc, char **argv)
{
    const char *lacks = getenv("LACKS");
    if (lacks != NULL && !refuse_call(lacks))
        return 2;
    is_warm = argc == 3 && strcmp(argv[2], "warm") == 0;
    signal(SIGUSR2, SIG_IGN);
    if (getenv("UNFIT") != NULL && argc != 5)
        spoil(getenv("UNFIT"));
    return xpm_main(argc, argv, plan);
}
