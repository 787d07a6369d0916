#ifndef SHOAL_DASHBOARD_H
#define SHOAL_DASHBOARD_H

#include <stddef.h>

/// The page that a node serves at `/`.
struct shoal_page {
    const unsigned char *bytes;
    size_t count;
};

extern const struct shoal_page shoal_dashboard;

#endif
