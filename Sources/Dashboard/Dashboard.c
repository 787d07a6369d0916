#include "Dashboard.h"

// One page without a build step, inside the binary, so that it works wherever the binary is.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char page[] = {
#embed "dashboard.html"
};

const struct shoal_page shoal_dashboard = {page, sizeof page};
