/* The library's version. Generated from package.json by npm run generate. */
#ifndef KG_VERSION_H
#define KG_VERSION_H

#define KG_VERSION "0.1.0"

/* major * 10000 + minor * 100 + patch */
#define KG_VERSION_NUMBER 100

#endif
