#include "identify/identifier.h"

#include <string.h>

#include "declare/config.h"
#include "declare/equal.h"
#include "declare/walk.h"
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

int xpm_config_equal(xpm_config *a, xpm_config *b, xpm_error *err)
{
    uint8_t left[XPM_IDENTIFIER_SIZE], right[XPM_IDENTIFIER_SIZE];
    if (a == b)
        return 1;
    if (!a->sealed || !b->sealed)
        return xpm__config_equal(a, b);
    if (xpm_config_identifier(a, left, err) < 0 || xpm_config_identifier(b, right, err) < 0)
        return -1;
    return memcmp(left, right, sizeof left) == 0;
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

/* A computation keeps the identifiers of all that it meets, but in a cycle. */
static int identify(void *user, xpm_config *config, const xpm__walk *walk)
{
    uint8_t identifier[XPM_IDENTIFIER_SIZE];
    (void)walk;
    /* What a submitted task holds was identified when it was submitted. */
    if (config->submitted)
        return XPM__WALK_PAST;
    if (config->identified)
        return XPM__WALK_ON;
    if (xpm__canonical_digest(config, NULL, identifier, user) < 0)
        return XPM__WALK_STOP;
    memcpy(config->identifier, identifier, sizeof identifier);
    config->identified = true;
    return XPM__WALK_ON;
}

int xpm__identify_all(xpm_config *config, xpm_error *err)
{
    xpm__ptrmap seen = {0};
    int status =
        xpm__walk_from(config, &(xpm__walker){.enter = identify, .user = err, .seen = &seen});
    xpm__ptrmap_free(&seen);
    return status;
}
