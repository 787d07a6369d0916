#include "cshims_linux.h"
