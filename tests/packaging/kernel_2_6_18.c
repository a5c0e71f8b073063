/* kernel_2_6_18 COMMAND...: run a command as on the kernel of EL5.
 *
 * A seccomp filter answers as Linux 2.6.18 on x86_64 does: calls that came later do not exist, flags and
 * options that came later are refused with the error of that time. uname(2) says 2.6.18-419.el5, by a
 * second process that is asked through the filter. Children inherit it all.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST_LATER_CALL 280 /* utimensat, 2.6.22; move_pages, 279, is 2.6.18's last */
#define X32_CALLS 0x40000000

#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (offset))
#define CALL LOAD(offsetof(struct seccomp_data, nr))
#define ARGUMENT(n) LOAD(offsetof(struct seccomp_data, args) + 8 * (n))
#define IF_EQUAL(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no))
#define IF_LEAST(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (value), (yes), (no))
#define IF_ANY_BIT(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (value), (yes), (no))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, (what))
#define FAIL(error) RETURN(SECCOMP_RET_ERRNO | (error))
#define ALLOW RETURN(SECCOMP_RET_ALLOW)

/* In each rule the numbers are how many instructions to go on by. */
static struct sock_filter rules[] = {
    CALL,
    IF_LEAST(X32_CALLS, 0, 1), FAIL(ENOSYS),
    IF_LEAST(FIRST_LATER_CALL, 0, 1), FAIL(ENOSYS),
    IF_EQUAL(SYS_uname, 0, 1), RETURN(SECCOMP_RET_USER_NOTIF),

    /* SOCK_CLOEXEC and SOCK_NONBLOCK: 2.6.27. */
    IF_EQUAL(SYS_socket, 1, 0),
    IF_EQUAL(SYS_socketpair, 0, 4),
    ARGUMENT(1), IF_ANY_BIT(SOCK_CLOEXEC | SOCK_NONBLOCK, 0, 1), FAIL(EINVAL), ALLOW,

    /* F_DUPFD_CLOEXEC, 1030: 2.6.24, and what has a higher number; OFD locks, 36 to 38: 3.15. */
    IF_EQUAL(SYS_fcntl, 0, 6),
    ARGUMENT(1), IF_LEAST(1030, 2, 0), IF_LEAST(36, 0, 2), IF_LEAST(39, 1, 0), FAIL(EINVAL), ALLOW,

    /* FUTEX_PRIVATE_FLAG: 2.6.22; operations from 9 (WAIT_BITSET) on; FUTEX_CLOCK_REALTIME. */
    IF_EQUAL(SYS_futex, 0, 5),
    ARGUMENT(1), IF_ANY_BIT(0x180, 1, 0), IF_LEAST(9, 0, 1), FAIL(ENOSYS), ALLOW,

    /* SO_REUSEPORT: 3.9; options of netlink sockets from 4 on. */
    IF_EQUAL(SYS_setsockopt, 0, 9),
    ARGUMENT(1), IF_EQUAL(SOL_SOCKET, 0, 2),
    ARGUMENT(2), IF_EQUAL(SO_REUSEPORT, 3, 4),
    IF_EQUAL(270 /* SOL_NETLINK */, 0, 3), ARGUMENT(2), IF_LEAST(4, 0, 1), FAIL(ENOPROTOOPT), ALLOW,

    /* Clocks from CLOCK_MONOTONIC_RAW, 4, on: 2.6.28. */
    IF_EQUAL(SYS_clock_gettime, 1, 0),
    IF_EQUAL(SYS_clock_getres, 0, 3),
    ARGUMENT(0), IF_LEAST(4, 0, 1), FAIL(EINVAL),
    ALLOW,
};

static void die(const char *what)
{
    perror(what);
    _exit(126);
}

static void send_descriptor(int channel, int descriptor)
{
    char byte = 0, space[CMSG_SPACE(sizeof descriptor)] = {0};
    struct iovec content = {&byte, 1};
    struct msghdr message = {.msg_iov = &content, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof descriptor);
    memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    if (sendmsg(channel, &message, 0) < 0)
        die("sendmsg");
}

static int receive_descriptor(int channel)
{
    char byte, space[CMSG_SPACE(sizeof(int))];
    struct iovec content = {&byte, 1};
    struct msghdr message = {.msg_iov = &content, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    int descriptor;
    if (recvmsg(channel, &message, 0) <= 0)
        exit(126);
    memcpy(&descriptor, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof descriptor);
    return descriptor;
}

/* The command: filtered from here on; the filter's questions go to the parent. */
static void become(int channel, char **command)
{
    struct sock_fprog filter = {sizeof rules / sizeof *rules, rules};
    int questions;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        die("prctl");
    questions = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
    if (questions < 0)
        die("seccomp");
    send_descriptor(channel, questions);
    close(questions);
    close(channel);
    execvp(command[0], command);
    perror(command[0]);
    _exit(127);
}

/* Answers uname(2) until the last filtered process has ended. */
static void answer_uname(int questions)
{
    for (;;) {
        struct seccomp_notif question = {0};
        struct seccomp_notif_resp answer = {0};
        struct pollfd news = {questions, POLLIN, 0};
        struct utsname name;
        if (poll(&news, 1, -1) < 0 || news.revents & POLLHUP)
            _exit(0);
        if (ioctl(questions, SECCOMP_IOCTL_NOTIF_RECV, &question) < 0)
            continue;
        uname(&name);
        strcpy(name.release, "2.6.18-419.el5");
        strcpy(name.version, "#1 SMP Fri Feb 24 22:47:42 UTC 2017");
        struct iovec ours = {&name, sizeof name}, theirs = {(void *)question.data.args[0], sizeof name};
        answer.id = question.id;
        if (process_vm_writev(question.pid, &ours, 1, &theirs, 1, 0) != sizeof name)
            answer.error = -EFAULT;
        ioctl(questions, SECCOMP_IOCTL_NOTIF_SEND, &answer);
    }
}

int main(int count, char **words)
{
    int channel[2], questions, status;
    pid_t command, answerer;
    if (count < 2) {
        fprintf(stderr, "usage: %s COMMAND...\n", words[0]);
        return 2;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, channel) < 0)
        die("socketpair");
    command = fork();
    if (command == 0) {
        close(channel[0]);
        become(channel[1], words + 1);
    }
    close(channel[1]);
    questions = receive_descriptor(channel[0]);
    answerer = fork();
    if (answerer == 0) {
        /* It outlives us: daemons that the command has left go on asking. Nobody must wait for its output. */
        close(channel[0]);
        for (int standard = 0; standard <= 2; standard++)
            close(standard);
        answer_uname(questions);
    }
    close(questions);
    waitpid(command, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
