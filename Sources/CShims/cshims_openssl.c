#include "cshims_openssl.h"
