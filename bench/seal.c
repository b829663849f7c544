/* seal SHAPE N: builds a graph of N configurations, seals it, identifies it and frees it. Prints a
 * line of JSON: the seconds of each, the bytes that a configuration takes, and those that sealing
 * takes for it meanwhile. Shapes: "layers", of 1,000, in which each holds two of the layer before;
 * "chain", in which each holds the one before twice. */
#include <experimaestro.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"

/* bench.node has left and right, bench.top a list of nodes. Parameters are in order of name. */
static xpm_class *node, *top;

static int declare(xpm_error *err)
{
    xpm_declaration declaration = {.name = "bench.node", .origin = __FILE__, .language = "c"};
    node = xpm_class_declare(&declaration, err);
    declaration.name = "bench.top";
    top = xpm_class_declare(&declaration, err);
    xpm_parameter left = {.name = "left"}, right = {.name = "right"}, nodes = {.name = "nodes"};
    left.type = right.type = xpm_type_optional(xpm_type_config(node));
    nodes.type = xpm_type_list(xpm_type_config(node));
    xpm_parameter value = {.name = "value", .type = xpm_type_scalar(XPM_KIND_INT)};
    return xpm_class_add(node, &left, err) < 0 || xpm_class_add(node, &right, err) < 0 ||
                   xpm_class_add(node, &value, err) < 0 || xpm_class_add(top, &nodes, err) < 0
               ? -1
               : 0;
}

static xpm_config *make(size_t value, xpm_config *left, xpm_config *right)
{
    xpm_config *config = xpm_config_new(node);
    xpm_config_put(config, 0, xpm_object(left));
    xpm_config_put(config, 1, xpm_object(right));
    xpm_config_put(config, 2, xpm_int((int64_t)value));
    return config;
}

static xpm_config *chain(size_t size)
{
    xpm_config *last = NULL;
    for (size_t i = 0; i < size; i++)
        last = make(i, last, last);
    return xpm_config_ref(last);
}

static xpm_config *layers(size_t size)
{
    enum { WIDTH = 1000 };
    xpm_config *before[WIDTH] = {0}, *layer[WIDTH];
    for (size_t i = 0; i < size; i += WIDTH) {
        for (size_t j = 0; j < WIDTH; j++)
            layer[j] = make(i + j, before[j], before[(j + 1) % WIDTH]);
        memcpy(before, layer, sizeof before);
    }
    xpm_value nodes = xpm_list_new();
    for (size_t j = 0; j < WIDTH; j++)
        xpm_list_append(&nodes, xpm_object(before[j]));
    xpm_config *root = xpm_config_new(top);
    xpm_config_put(root, 0, nodes);
    return xpm_config_ref(root);
}

int main(int argc, char **argv)
{
    uint8_t identifier[XPM_IDENTIFIER_SIZE];
    char hex[XPM_HEX_SIZE];
    size_t size = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
    bool layered = argc == 3 && strcmp(argv[1], "layers") == 0;
    xpm_error err;
    if (size == 0 || (!layered && strcmp(argv[1], "chain") != 0))
        return fputs("usage: seal layers|chain N\n", stderr), 2;
    xpm_set_allocator(count);
    if (declare(&err) < 0)
        return fprintf(stderr, "seal: %s\n", err.message), 1;

    double start = now();
    xpm_config *root = layered ? layers(size) : chain(size);
    double built = now();
    size_t graph = peak = held;
    int status = xpm_config_seal(root, NULL, &err);
    double sealed = now();
    size_t meanwhile = peak - graph;
    if (status == 0)
        status = xpm_config_identifier(root, identifier, &err);
    double identified = now();
    if (status < 0)
        return fprintf(stderr, "seal: %s: %s\n", err.path, err.message), 1;
    xpm_config_unref(root);
    double freed = now();
    xpm_identifier_hex(identifier, hex);
    printf("{\"build\": %f, \"seal\": %f, \"identify\": %f, \"free\": %f, \"bytes\": %.1f, "
           "\"meanwhile\": %.1f, \"identifier\": \"%s\"}\n",
           built - start, sealed - built, identified - sealed, freed - identified,
           (double)graph / (double)size, (double)meanwhile / (double)size, hex);
    return 0;
}
