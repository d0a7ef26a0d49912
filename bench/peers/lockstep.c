/* Gives the lines of a file to a program that stays, one behind another's
 * answer: what two processes can do at all. lockstep FILE PROGRAM [ARG]... */
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int in[2], out[2];
	char line[4096], answer[4096];
	FILE *file;

	if (argc < 3 || !(file = fopen(argv[1], "r")) || pipe(in) || pipe(out))
		return 1;
	if (fork() == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		close(out[0]);
		execv(argv[2], argv + 2);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	while (fgets(line, sizeof line, file)) {
		size_t length = 0;
		while (line[length])
			length++;
		if (write(in[1], line, length) != (ssize_t)length || read(out[0], answer, sizeof answer) <= 0)
			return 1;
	}
	return 0;
}
