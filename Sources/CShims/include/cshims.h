#ifndef SHOAL_CSHIMS_H
#define SHOAL_CSHIMS_H
// C that Swift cannot call directly: macros and variadic functions. One header per library.
#include "cshims_cpu.h"
#include "cshims_detached.h"
#include "cshims_linux.h"
#include "cshims_openssl.h"
#include "cshims_http.h"
#endif
