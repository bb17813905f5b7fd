/* Labelled steps of what must survive a death in its middle. The test build
 * dies at them one by one; elsewhere they are nothing. */
#ifndef KG_STEP_H
#define KG_STEP_H

#ifdef KG_TEST_STEPS
void kg__test_step(const char *label);
#define KG__STEP(label) kg__test_step(label)
#else
#define KG__STEP(label) ((void)0)
#endif

#endif
