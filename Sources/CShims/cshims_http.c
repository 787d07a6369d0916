#include "cshims_http.h"
