#include "DemoData.h"

// The data of `shoal demo` inside the binary, so that it works wherever the binary is.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char train0[] = {
#embed "umls-shared3/0/train.txt"
};
static const unsigned char valid0[] = {
#embed "umls-shared3/0/valid.txt"
};
static const unsigned char test0[] = {
#embed "umls-shared3/0/test.txt"
};
static const unsigned char train1[] = {
#embed "umls-shared3/1/train.txt"
};
static const unsigned char valid1[] = {
#embed "umls-shared3/1/valid.txt"
};
static const unsigned char test1[] = {
#embed "umls-shared3/1/test.txt"
};
static const unsigned char train2[] = {
#embed "umls-shared3/2/train.txt"
};
static const unsigned char valid2[] = {
#embed "umls-shared3/2/valid.txt"
};
static const unsigned char test2[] = {
#embed "umls-shared3/2/test.txt"
};

#define FILE_OF(name) {name, sizeof name}

static const struct shoal_demo_file files[SHOAL_DEMO_SITES][3] = {
    {FILE_OF(train0), FILE_OF(valid0), FILE_OF(test0)},
    {FILE_OF(train1), FILE_OF(valid1), FILE_OF(test1)},
    {FILE_OF(train2), FILE_OF(valid2), FILE_OF(test2)},
};

struct shoal_demo_file shoal_demo_file(int site, int split) {
    if (site < 0 || site >= SHOAL_DEMO_SITES || split < 0 || split > 2) {
        return (struct shoal_demo_file){0, 0};
    }
    return files[site][split];
}
