/* What is printed for people: tables whose columns fit the terminal, with colours where it has them. */
#ifndef XPM_CLI_TABLE_H
#define XPM_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <experimaestro.h>

typedef enum cli_color { CLI_PLAIN, CLI_BOLD, CLI_RED, CLI_GREEN, CLI_YELLOW, CLI_BLUE } cli_color;

/* The columns of the terminal that it is, as COLUMNS says or the terminal; 0 when it is none. */
size_t cli_width(FILE *out);
/* Whether to write colours: on a terminal, but for a dumb one, or with NO_COLOR in the environment. */
bool cli_has_colors(FILE *out);
cli_color cli_state_color(xpm_job_state state);

/* Start from {.columns = N}, with the heads of the columns, which a terminal alone shows. */
typedef struct cli_table {
    size_t columns;
    const char *const *heads;
    struct cli_cell {
        char *text;
        cli_color color;
    } * cells; /* row by row */
    size_t count, capacity;
} cli_table;

/* Adds a cell: a printf-like text, whose control characters are shown, not sent. */
void cli_table_add(cli_table *table, cli_color color, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Prints it and empties it. On a terminal, the widest columns are cut until a row fits a line;
 * elsewhere cells have one space between, for programs that read the lines. */
void cli_table_print(cli_table *table, FILE *out);

#endif
