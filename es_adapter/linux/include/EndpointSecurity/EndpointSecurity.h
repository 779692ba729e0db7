// The EndpointSecurity C interface, for Linux: everything in one include.
#pragma once

#include <EndpointSecurity/ESClient.h>
#include <EndpointSecurity/ESMessage.h>
#include <EndpointSecurity/ESTypes.h>
