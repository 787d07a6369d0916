#ifndef SHOAL_DEMO_DATA_H
#define SHOAL_DEMO_DATA_H

#include <stddef.h>

/// One bundled triple file.
struct shoal_demo_file {
    const unsigned char *bytes;
    size_t count;
};

/// Sites in umls-shared3, numbered from 0.
enum { SHOAL_DEMO_SITES = 3 };

/// The file of a site: split 0 is train, 1 valid, 2 test. Empty for other numbers.
struct shoal_demo_file shoal_demo_file(int site, int split);

#endif
