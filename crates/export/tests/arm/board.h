/* A board without an operating system, whose host is asked for files by semihosting. */
#include <stdint.h>

/* What the program does; 0 for success. */
int board_main(void);

/* Opens a file of the host's; modes are those of fopen: 1 is "rb", 5 is "wb". */
int board_open(const char *name, int mode);

/* Fills the memory; 0 at the end of the file. */
int board_read(int file, void *data, int size);

void board_write(int file, const void *data, int size);
