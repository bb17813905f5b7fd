/* Generated from package.json by npm run generate. */
#ifndef KG_PACKAGE_VERSION_H
#define KG_PACKAGE_VERSION_H

#define KG_PACKAGE_VERSION "0.1.0"

#endif
