#include "identify/identifier.h"

#include <string.h>

#include "declare/config.h"
#include "identify/canonical.h"

int xpm_config_identifier(xpm_config *config, uint8_t identifier[XPM_IDENTIFIER_SIZE],
                          xpm_error *err)
{
    if (config->identified) {
        memcpy(identifier, config->identifier, XPM_IDENTIFIER_SIZE);
        return 0;
    }
    return xpm__canonical_digest(config, NULL, identifier, err);
}

int xpm_config_partial_identifier(xpm_config *config, const xpm_partial *partial,
                                  uint8_t identifier[XPM_IDENTIFIER_SIZE], xpm_error *err)
{
    return xpm__canonical_digest(config, partial, identifier, err);
}

void xpm_identifier_hex(const uint8_t identifier[XPM_IDENTIFIER_SIZE], char hex[XPM_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < XPM_IDENTIFIER_SIZE; i++) {
        hex[2 * i] = digits[identifier[i] >> 4];
        hex[2 * i + 1] = digits[identifier[i] & 15];
    }
    hex[XPM_HEX_SIZE - 1] = '\0';
}

typedef struct walk {
    xpm__ptrmap seen;
    xpm_error *err;
} walk;

static int identify(void *user, xpm_config *config, const char *relative)
{
    walk *w = user;
    uint8_t identifier[XPM_IDENTIFIER_SIZE];
    (void)relative;
    /* What a submitted task holds was identified when it was submitted. */
    if (config->submitted || !xpm__ptrmap_add(&w->seen, config, 0))
        return 0;
    if (!config->identified) {
        if (xpm__canonical_digest(config, NULL, identifier, w->err) < 0)
            return -1;
        memcpy(config->identifier, identifier, sizeof identifier);
        config->identified = true;
    }
    return xpm__config_children(config, identify, w);
}

int xpm__identify_all(xpm_config *config, xpm_error *err)
{
    walk w = {.err = err};
    int status = identify(&w, config, "");
    xpm__ptrmap_free(&w.seen);
    return status;
}
