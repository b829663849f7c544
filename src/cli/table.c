#include "cli/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

enum { GAP = 2, LEAST = 8 }; /* between columns; the width below which none is cut */

/* ---- The terminal ----------------------------------------------------------------------------- */

size_t cli_width(FILE *out)
{
    const char *given = getenv("COLUMNS");
    struct winsize size = {0};
    if (!isatty(fileno(out)))
        return 0;
    long columns = given != NULL ? strtol(given, NULL, 10) : 0;
    if (columns > 0)
        return (size_t)columns;
    return ioctl(fileno(out), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

bool cli_has_colors(FILE *out)
{
    const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");
    if (no_color != NULL && no_color[0] != '\0')
        return false;
    return terminal != NULL && strcmp(terminal, "dumb") != 0 && isatty(fileno(out));
}

cli_color cli_state_color(xpm_job_state state)
{
    static const cli_color colors[XPM_JOB_STATE_COUNT] = {
        [XPM_JOB_WAITING] = CLI_YELLOW,   [XPM_JOB_READY] = CLI_YELLOW,
        [XPM_JOB_SCHEDULED] = CLI_YELLOW, [XPM_JOB_RUNNING] = CLI_BLUE,
        [XPM_JOB_DONE] = CLI_GREEN,       [XPM_JOB_ERROR] = CLI_RED,
    };
    return colors[state];
}

/* ---- Texts ------------------------------------------------------------------------------------ */

/* The bytes of its first `most` characters, each of which takes one column. */
static size_t size_of(const char *text, size_t most)
{
    size_t size = 0;
    for (size_t seen = 0; text[size] != '\0'; size++) {
        seen += ((unsigned char)text[size] & 0xC0) != 0x80;
        if (seen > most)
            break;
    }
    return size;
}

static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xC0) != 0x80;
    return width;
}

static void print_cell(const char *text, cli_color color, size_t width, bool colors, FILE *out)
{
    static const char *const codes[] = {
        [CLI_BOLD] = "1",    [CLI_RED] = "31",  [CLI_GREEN] = "32",
        [CLI_YELLOW] = "33", [CLI_BLUE] = "34",
    };
    bool cut = width_of(text) > width, colored = colors && color != CLI_PLAIN;
    if (colored)
        fprintf(out, "\033[%sm", codes[color]);
    fwrite(text, 1, size_of(text, cut ? width - 1 : width), out);
    if (cut)
        fputs("…", out);
    if (colored)
        fputs("\033[0m", out);
}

/* ---- Tables ----------------------------------------------------------------------------------- */

void cli_table_add(cli_table *table, cli_color color, const char *format, ...)
{
    va_list args;
    xpm__str text = {0}, visible = {0};
    va_start(args, format);
    xpm__str_vprintf(&text, format, args);
    va_end(args);
    xpm__str_add_visible(&visible, text.data, text.size);
    xpm__str_free(&text);
    table->cells = xpm__grow(table->cells, &table->capacity, table->count, sizeof *table->cells);
    table->cells[table->count++] = (struct cli_cell){xpm__str_take(&visible), color};
}

/* Cuts the widest column, one by one, until all fit, or none can be cut. */
static void fit(size_t *widths, size_t columns, size_t line)
{
    size_t total = (columns - 1) * GAP;
    for (size_t i = 0; i < columns; i++)
        total += widths[i];
    while (total > line) {
        size_t *widest = widths;
        for (size_t *width = widths; width < widths + columns; width++)
            if (*width > *widest)
                widest = width;
        if (*widest <= LEAST)
            return;
        --*widest;
        total--;
    }
}

static size_t *measure(const cli_table *table)
{
    size_t *widths = xpm__zalloc(table->columns * sizeof *widths);
    for (size_t i = 0; table->heads != NULL && i < table->columns; i++)
        widths[i] = width_of(table->heads[i]);
    for (size_t i = 0; i < table->count; i++) {
        size_t width = width_of(table->cells[i].text);
        if (width > widths[i % table->columns])
            widths[i % table->columns] = width;
    }
    return widths;
}

/* Spaces come before what follows them, so that no line ends with one. */
static void print_row(const cli_table *table, const struct cli_cell *row, const size_t *widths,
                      FILE *out)
{
    bool colors = cli_has_colors(out);
    size_t spaces = 0;
    for (size_t i = 0; i < table->columns; i++) {
        size_t width = width_of(row[i].text);
        if (width > 0) {
            fprintf(out, "%*s", (int)spaces, "");
            print_cell(row[i].text, row[i].color, widths[i], colors, out);
            spaces = 0;
        }
        spaces += (width < widths[i] ? widths[i] - width : 0) + GAP;
    }
    fputc('\n', out);
}

static void print_heads(const cli_table *table, const size_t *widths, FILE *out)
{
    struct cli_cell *row = xpm__alloc(table->columns * sizeof *row);
    for (size_t i = 0; i < table->columns; i++)
        row[i] = (struct cli_cell){(char *)table->heads[i], CLI_BOLD};
    print_row(table, row, widths, out);
    xpm_free(row);
}

static void print_fitted(const cli_table *table, FILE *out)
{
    size_t line = cli_width(out), *widths = measure(table);
    if (line > 0)
        fit(widths, table->columns, line);
    if (table->heads != NULL && table->count > 0)
        print_heads(table, widths, out);
    for (size_t i = 0; i + table->columns <= table->count; i += table->columns)
        print_row(table, table->cells + i, widths, out);
    xpm_free(widths);
}

static void print_lines(const cli_table *table, FILE *out)
{
    for (size_t i = 0; i < table->count; i++)
        fprintf(out, "%s%c", table->cells[i].text, (i + 1) % table->columns == 0 ? '\n' : ' ');
}

void cli_table_print(cli_table *table, FILE *out)
{
    if (isatty(fileno(out)))
        print_fitted(table, out);
    else
        print_lines(table, out);
    for (size_t i = 0; i < table->count; i++)
        xpm_free(table->cells[i].text);
    xpm_free(table->cells);
    *table = (cli_table){.columns = table->columns, .heads = table->heads};
}
