/* rsync or ssh, by its name, as they are on a host whose kernel is as old as they: has them run outside of the filter
 * (errands.py), with every descriptor that was handed to us, and ends as they end.
 *
 * A program without libraries, and its socket lies where programs do: rsync that reads for the peer sees no more.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MOST 16

extern char **environ;

static char asked[1 << 20];
static size_t length = sizeof(uint32_t);

/* Each word with a NUL behind it, and one more at the end of them. */
static void tell(char **words)
{
    for (; *words; words++) {
        size_t size = strlen(*words) + 1;
        if (length + size + 1 > sizeof asked)
            exit(255);
        memcpy(asked + length, *words, size);
        length += size;
    }
    asked[length++] = '\0';
}

int main(int argc, char **argv)
{
    const char *name = strrchr(argv[0], '/');
    struct sockaddr_un place = {.sun_family = AF_UNIX};
    int errand = socket(AF_UNIX, SOCK_STREAM, 0), given[MOST], count = 0;
    char control[CMSG_SPACE(sizeof given)] = "", directory[4096], *directories[] = {directory, NULL};
    char numbers[MOST][8], *all[MOST + 1] = {NULL};
    struct iovec piece = {asked, 0};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    unsigned char status = 255;

    if (argc == 2 && !strcmp(argv[1], "-V")) {
        fputs("OpenSSH_4.3p2, OpenSSL 0.9.8e-fips-rhel5 01 Jul 2008\n", stderr);
        return 0;
    }
    snprintf(place.sun_path, sizeof place.sun_path, "/usr/lib/errands-%s", name ? name + 1 : argv[0]);
    if (connect(errand, (struct sockaddr *)&place, sizeof place) || !getcwd(directory, sizeof directory))
        return 255;
    tell(argv + 1);
    tell(environ);
    tell(directories);
    for (int descriptor = 0; descriptor < 256 && count < MOST; descriptor++)
        if (descriptor != errand && fcntl(descriptor, F_GETFD) >= 0) {
            snprintf(numbers[count], sizeof numbers[count], "%d", descriptor);
            all[count] = numbers[count];
            given[count++] = descriptor;
        }
    tell(all);
    uint32_t size = length - sizeof size;
    memcpy(asked, &size, sizeof size);
    piece.iov_len = length;
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(count * sizeof *given);
    message.msg_controllen = CMSG_SPACE(count * sizeof *given);
    memcpy(CMSG_DATA(rights), given, count * sizeof *given);
    for (ssize_t sent; piece.iov_len; message.msg_controllen = 0) {
        if ((sent = sendmsg(errand, &message, 0)) < 0)
            return 255;
        piece.iov_base = (char *)piece.iov_base + sent;
        piece.iov_len -= sent;
    }
    for (int number = 0; number < count; number++)
        close(given[number]); /* whoever reads or writes there must see it when the program itself closes them */
    if (read(errand, &status, 1) != 1)
        status = 255;
    _exit(status);
}
